//! Users, conversations and tokens by the thousand.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use causeway_proto::{
    chat::{
        ConversationKind, CreateConversationRequest, PutUserRequest, chat_client::ChatClient,
        directory_client::DirectoryClient,
    },
    client::{self, Credential, Grpc},
};
use futures_util::{StreamExt, stream};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tonic::{Code, Status};

use crate::server::Server;

/// Calls under way at once.
const PARALLEL: usize = 64;
/// The number of the large room.
const LARGE: usize = 1_000_000;

/// People and rooms on one server.
pub(crate) struct Scene {
    grpc: Grpc,
    key: EncodingKey,
    expires: u64,
}

impl Scene {
    /// A scene on a server that has just started.
    pub(crate) fn new(server: &Server) -> Self {
        Self::at(server.grpc, &server.data.path().join("data"))
    }

    /// The same where chat is at an address, and the keys in a directory.
    pub(crate) fn at(chat: SocketAddr, keys: &Path) -> Self {
        let secret = |name: &str| {
            let secret = fs::read_to_string(keys.join(name));
            secret.expect("the first start makes it").trim().to_owned()
        };
        let credential = Credential::bearer(&secret("service.token")).expect("it fits a header");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        Self {
            grpc: client::remote(&format!("http://{chat}"), credential).expect("an address"),
            key: EncodingKey::from_secret(secret("signing.key").as_bytes()),
            expires: now + 86_400,
        }
    }

    /// Makes groups of so many people: `room-<n>` with `user-<n>-<0…>`. Those that are there stay as they are.
    pub(crate) async fn rooms(&self, rooms: usize, people: usize) {
        let users = (0..rooms).flat_map(|room| (0..people).map(move |person| user(room, person)));
        stream::iter(users).for_each_concurrent(PARALLEL, |id| self.put(id)).await;
        stream::iter(0..rooms).for_each_concurrent(PARALLEL, |room| self.create(room, people)).await;
    }

    /// One more group, of so many people, beside those of [`Self::rooms`]; the path on which each is in it, with a token.
    pub(crate) async fn large_room(&self, people: usize) -> impl Fn(usize) -> String {
        let room = LARGE;
        stream::iter(0..people).for_each_concurrent(PARALLEL, |person| self.put(user(room, person))).await;
        self.create(room, people).await;
        move |person| self.path(room, person)
    }

    /// Somebody of support, and the path of the list of conversations with a token.
    pub(crate) async fn support_person(&self) -> String {
        let id = "support-person";
        let audiences = vec!["helpdesk".to_owned()];
        let request = PutUserRequest { id: id.to_owned(), add_audiences: audiences, ..Default::default() };
        DirectoryClient::new(self.grpc.clone()).put_user(request).await.expect("the user is put");
        format!("/ws/conversations/?token={}", self.token(id))
    }

    /// Calls of any service, as a backend makes them.
    pub(crate) fn grpc(&self) -> Grpc {
        self.grpc.clone()
    }

    async fn put(&self, id: String) {
        let request = PutUserRequest { id, first_name: Some("Load".into()), ..Default::default() };
        DirectoryClient::new(self.grpc.clone()).put_user(request).await.expect("the user is put");
    }

    async fn create(&self, room: usize, people: usize) {
        let request = CreateConversationRequest {
            id: format!("room-{room}"),
            kind: ConversationKind::Group.into(),
            participant_ids: (0..people).map(|person| user(room, person)).collect(),
            ..Default::default()
        };
        let created = ChatClient::new(self.grpc.clone()).create_conversation(request).await;
        let is_there = |status: &Status| status.code() == Code::AlreadyExists;
        assert!(created.as_ref().err().is_none_or(is_there), "the conversation is not made: {created:?}");
    }

    /// The path on which a person is in a room, with a token.
    pub(crate) fn path(&self, room: usize, person: usize) -> String {
        format!("/ws/group/room-{room}/?token={}", self.token(&user(room, person)))
    }

    fn token(&self, user: &str) -> String {
        let claims = json!({"sub": user, "exp": self.expires});
        encode(&Header::default(), &claims, &self.key).expect("the claims can be signed")
    }
}

fn user(room: usize, person: usize) -> String {
    format!("user-{room}-{person}")
}
