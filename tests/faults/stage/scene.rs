//! Users and rooms, and what lets clients and backends in.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use causeway_proto::{
    chat::{
        ConversationKind, CreateConversationRequest, PutUserRequest, chat_client::ChatClient,
        directory_client::DirectoryClient,
    },
    client::{self, Credential, Grpc},
};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::Deployment;

/// How long tokens are good, in seconds: beyond any row, also under a clock that is wrong.
const TOKENS: i64 = 30 * 86_400;

/// What a deployment made at its first start, and people and rooms on it.
#[derive(Clone)]
pub(crate) struct Scene {
    key: EncodingKey,
    credential: Credential,
    /// Calls to chat, as a backend makes them.
    pub(crate) grpc: Grpc,
    /// Where chat is called.
    pub(crate) url: String,
}

impl Scene {
    /// A scene on a deployment that has started at least once.
    pub(crate) fn new(deployment: &Deployment) -> anyhow::Result<Self> {
        let secret = |name: &str| read(&deployment.data().join(name));
        let credential =
            Credential::bearer(&secret("service.token")?).context("the service token fits no header")?;
        let url = format!("http://{}", deployment.at.chat);
        let grpc = client::remote(&url, credential.clone())?;
        Ok(Self { key: EncodingKey::from_secret(secret("signing.key")?.as_bytes()), credential, grpc, url })
    }

    /// Calls to a service elsewhere.
    pub(crate) fn grpc_to(&self, url: &str) -> anyhow::Result<Grpc> {
        Ok(client::remote(url, self.credential.clone())?)
    }

    /// A room of these users, who are made first.
    pub(crate) async fn room(&self, room: &str, users: &[String]) -> anyhow::Result<()> {
        for id in users {
            let request =
                PutUserRequest { id: id.clone(), first_name: Some("Fault".into()), ..Default::default() };
            DirectoryClient::new(self.grpc.clone()).put_user(request).await?;
        }
        let request = CreateConversationRequest {
            id: room.to_owned(),
            kind: ConversationKind::Group.into(),
            participant_ids: users.to_vec(),
            ..Default::default()
        };
        ChatClient::new(self.grpc.clone()).create_conversation(request).await?;
        Ok(())
    }

    /// A user's token.
    pub(crate) fn token(&self, user: &str) -> anyhow::Result<String> {
        self.token_until(user, TOKENS)
    }

    /// A user's token that ends in so many seconds.
    pub(crate) fn token_until(&self, user: &str, seconds: i64) -> anyhow::Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        Ok(encode(&Header::default(), &json!({"sub": user, "exp": now + seconds}), &self.key)?)
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.trim().to_owned())
}
