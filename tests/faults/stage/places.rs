//! One place of each kind in each dialect where a client may resume, and something that happens there.

use causeway_proto::{
    chat::{
        ConversationKind, CreateConversationRequest, PutUserRequest, SendMessageRequest,
        chat_client::ChatClient, directory_client::DirectoryClient,
    },
    event::{ReadRequest, Source, events_client::EventsClient},
    notification::{Content, NotifyRequest, notifications_client::NotificationsClient},
};
use serde_json::Value;

use super::Scene;

/// Who is in all places.
pub(crate) const ALICE: &str = "81";
/// Who has places of the same kind that Alice is not in.
pub(crate) const BOB: &str = "82";
const CUSTOMER: &str = "83";

/// A place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Dialect and path, for people.
    pub(crate) name: &'static str,
    path: &'static str,
    kind: Kind,
}

/// What happens in a place.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Messages in a group.
    Group,
    /// Messages in a support conversation.
    Support,
    /// Messages to the user.
    Direct,
    /// Notifications of the user.
    Notices,
}

/// All of them.
pub(crate) const ALL: [Place; 9] = [
    Place { name: "rooms", path: "/ws/group/{group}/", kind: Kind::Group },
    Place { name: "envelope, chat", path: "/api/v1/ws/chat/{group}", kind: Kind::Group },
    Place { name: "envelope, personal", path: "/api/v1/ws/{user}", kind: Kind::Direct },
    Place { name: "jobs, chat", path: "/jobs/ws/chat/{group}/", kind: Kind::Group },
    Place { name: "jobs, notifications", path: "/jobs/ws/notifications/{user}/", kind: Kind::Notices },
    Place { name: "helpdesk, chat", path: "/helpdesk/ws/chat/{support}/", kind: Kind::Support },
    Place { name: "helpdesk, list", path: "/helpdesk/ws/conversations/", kind: Kind::Support },
    Place { name: "campus, chat", path: "/campus/ws/chat/", kind: Kind::Direct },
    Place { name: "campus, notifications", path: "/campus/ws/notifications/", kind: Kind::Notices },
];

/// Makes the people and their conversations.
pub(crate) async fn furnish(scene: &Scene) -> anyhow::Result<()> {
    let mut directory = DirectoryClient::new(scene.grpc.clone());
    for id in [ALICE, BOB, CUSTOMER] {
        let source = (id == CUSTOMER).then(|| "telegram".to_owned());
        let (id, first_name) = (id.to_owned(), Some("Somebody".to_owned()));
        directory.put_user(PutUserRequest { id, first_name, source, ..Default::default() }).await?;
    }
    let mut chat = ChatClient::new(scene.grpc.clone());
    for user in [ALICE, BOB] {
        for (id, kind) in [(group(user), ConversationKind::Group), (support(user), ConversationKind::Support)]
        {
            let request = CreateConversationRequest {
                id,
                kind: kind.into(),
                participant_ids: vec![user.to_owned()],
                customer_id: if kind == ConversationKind::Support {
                    CUSTOMER.to_owned()
                } else {
                    String::new()
                },
                ..Default::default()
            };
            chat.create_conversation(request).await?;
        }
    }
    Ok(())
}

impl Place {
    /// A user's socket there.
    pub(crate) fn path(self, scene: &Scene, user: &str, since: &str) -> anyhow::Result<String> {
        let path = self.path.replace("{group}", &group(user)).replace("{support}", &support(user));
        Ok(format!("{}?since={since}&token={}", path.replace("{user}", user), scene.token(user)?))
    }

    /// Something with this text happens there.
    pub(crate) async fn happens(self, scene: &Scene, user: &str, text: &str) -> anyhow::Result<()> {
        let mut message = SendMessageRequest { content: text.to_owned(), ..Default::default() };
        match self.kind {
            Kind::Group => {
                (message.conversation_id, message.sender_id) = (group(user), user.to_owned());
            }
            Kind::Support => {
                (message.conversation_id, message.sender_id) = (support(user), CUSTOMER.to_owned());
            }
            Kind::Direct => {
                let other = if user == ALICE { "84" } else { "85" };
                let put = PutUserRequest { id: other.to_owned(), ..Default::default() };
                DirectoryClient::new(scene.grpc.clone()).put_user(put).await?;
                (message.recipient_id, message.sender_id) = (user.to_owned(), other.to_owned());
            }
            Kind::Notices => {
                let content = Content { title: text.to_owned(), ..Default::default() };
                let request =
                    NotifyRequest { user_id: user.to_owned(), content: Some(content), ..Default::default() };
                NotificationsClient::new(scene.grpc.clone()).notify(request).await?;
                return Ok(());
            }
        }
        ChatClient::new(scene.grpc.clone()).send_message(message).await?;
        Ok(())
    }

    /// Whether the log of what a user is shown there has lost its beginning.
    pub(crate) async fn is_trimmed(self, scene: &Scene, user: &str) -> anyhow::Result<bool> {
        let (source, topic) = match self.kind {
            Kind::Group => (Source::Chat, format!("conversation/{}", group(user))),
            Kind::Support => (Source::Chat, format!("conversation/{}", support(user))),
            Kind::Direct => (Source::Chat, format!("user/{user}")),
            Kind::Notices => (Source::Notification, format!("user/{user}")),
        };
        let request = ReadRequest { source: source.into(), topic, after: 0, limit: 1 };
        let read = EventsClient::new(scene.grpc.clone()).read(request).await?;
        Ok(read.into_inner().history_lost)
    }
}

/// Whether a frame says, in any dialect, that history is lost.
pub(crate) fn says_lost(frame: &Value) -> bool {
    let code = [&frame["code"], &frame["data"]["code"], &frame["error"]];
    code.contains(&&Value::from("history_lost"))
}

fn group(user: &str) -> String {
    format!("7{user}")
}

fn support(user: &str) -> String {
    format!("9{user}")
}
