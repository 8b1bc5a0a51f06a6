//! Who takes part and where: users and conversations, made over gRPC as a backend makes them.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use causeway_proto::{
    chat::{
        ConversationKind, CreateConversationRequest, PutUserRequest, chat_client::ChatClient,
        directory_client::DirectoryClient,
    },
    client::{self, Credential, Grpc},
    notification::{Content, NotifyRequest, notifications_client::NotificationsClient},
    presence::presence_client::PresenceClient,
};

use tonic_health::pb::health_client::HealthClient;

use super::causeway::Causeway;

/// A user of a test's own. Ids are numbers, because one dialect's frontends put them into paths as such.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// User id.
    pub(crate) id: String,
    /// Given name; the family name is `Doe`, the user name the given name in lower case.
    pub(crate) first_name: String,
}

impl Person {
    /// The name that frontends show.
    pub(crate) fn name(&self) -> String {
        format!("{} Doe", self.first_name)
    }

    /// The user name.
    pub(crate) fn username(&self) -> String {
        self.first_name.to_lowercase()
    }

    /// The id as the dialects print it that print integers.
    pub(crate) fn number(&self) -> u64 {
        self.id.parse().expect("ids of people are numbers")
    }

    /// The id as the dialect prints it that prints UUIDs.
    pub(crate) fn uuid(&self) -> String {
        causeway_proto::id::to_uuid(&self.id).to_string()
    }
}

/// An id that no other test uses.
pub(crate) fn fresh_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1_000);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

impl Causeway {
    /// Users with these given names.
    pub(crate) async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let mut directory = self.directory();
        let people = names.map(|name| Person { id: fresh_id(), first_name: name.to_owned() });
        for person in &people {
            directory.put_user(profile(person)).await.expect("the user is put");
        }
        people
    }

    /// An outside customer who writes by Telegram.
    pub(crate) async fn customer(&self, first_name: &str) -> Person {
        let person = Person { id: fresh_id(), first_name: first_name.to_owned() };
        let request = PutUserRequest {
            source: Some("telegram".into()),
            profile_picture: Some("https://example.com/face.jpg".into()),
            ..profile(&person)
        };
        self.directory().put_user(request).await.expect("the user is put");
        person
    }

    /// A group conversation, in which the first person is an admin.
    pub(crate) async fn group<'a>(&self, people: impl IntoIterator<Item = &'a Person>) -> String {
        let ids: Vec<_> = people.into_iter().map(|person| person.id.clone()).collect();
        let request = CreateConversationRequest {
            kind: ConversationKind::Group.into(),
            name: "Friends".into(),
            admin_ids: ids.iter().take(1).cloned().collect(),
            participant_ids: ids,
            ..Default::default()
        };
        self.conversation(request).await
    }

    /// The one-to-one conversation of two people.
    pub(crate) async fn one_to_one(&self, left: &Person, right: &Person) -> String {
        let request = CreateConversationRequest {
            kind: ConversationKind::OneToOne.into(),
            participant_ids: vec![left.id.clone(), right.id.clone()],
            ..Default::default()
        };
        self.conversation(request).await
    }

    /// A support conversation.
    pub(crate) async fn support<'a>(
        &self,
        customer: &Person,
        people: impl IntoIterator<Item = &'a Person>,
    ) -> String {
        let request = CreateConversationRequest {
            kind: ConversationKind::Support.into(),
            customer_id: customer.id.clone(),
            participant_ids: people.into_iter().map(|person| person.id.clone()).collect(),
            priority: 1,
            ..Default::default()
        };
        self.conversation(request).await
    }

    /// Chat gives it an id: one of ours could be what it gave to another.
    async fn conversation(&self, request: CreateConversationRequest) -> String {
        let created = self.chat().create_conversation(request).await.expect("the conversation is made");
        created.into_inner().conversation.expect("it is in the answer").id
    }

    /// Notifies a person as a backend does; returns the notification's id.
    pub(crate) async fn notify(&self, person: &Person, title: &str) -> u64 {
        let content = Content {
            title: title.into(),
            message: "See for yourself".into(),
            notification_type: "alert".into(),
            data: r#"{"order":7}"#.into(),
        };
        let request =
            NotifyRequest { user_id: person.id.clone(), content: Some(content), ..Default::default() };
        let notified = self.notifications().notify(request).await.expect("the user is notified");
        notified.into_inner().notification.expect("it is in the answer").id
    }

    /// The chat service.
    pub(crate) fn chat(&self) -> ChatClient<Grpc> {
        ChatClient::new(self.channel(&self.at.chat.to_string()))
    }

    /// The directory of users.
    pub(crate) fn directory(&self) -> DirectoryClient<Grpc> {
        DirectoryClient::new(self.channel(&self.at.chat.to_string()))
    }

    /// The notification service.
    pub(crate) fn notifications(&self) -> NotificationsClient<Grpc> {
        NotificationsClient::new(self.channel(&self.at.notification.to_string()))
    }

    /// The presence service.
    pub(crate) fn presence(&self) -> PresenceClient<Grpc> {
        PresenceClient::new(self.channel(&self.at.presence.to_string()))
    }

    /// gRPC health of a part that is a process of its own.
    pub(crate) fn health(&self, part: &str) -> HealthClient<Grpc> {
        let at = match part {
            "notification" => self.at.notification,
            "presence" => self.at.presence,
            _ => self.at.chat,
        };
        HealthClient::new(self.channel(&at.to_string()))
    }

    fn channel(&self, address: &str) -> Grpc {
        let credential = Credential::bearer(&self.service_token()).expect("the token fits a header");
        client::remote(&format!("http://{address}"), credential).expect("the address is one")
    }

    /// The secret that backends call the services with.
    pub(crate) fn service_token(&self) -> String {
        let token = fs::read_to_string(self.data_dir().join("service.token"));
        token.expect("the first start makes it").trim().to_owned()
    }
}

fn profile(person: &Person) -> PutUserRequest {
    PutUserRequest {
        id: person.id.clone(),
        username: Some(person.username()),
        first_name: Some(person.first_name.clone()),
        last_name: Some("Doe".into()),
        email: Some(format!("{}@example.com", person.username())),
        ..Default::default()
    }
}
