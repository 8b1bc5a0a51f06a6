//! A Causeway between a provider and somebody of support.

use std::net::SocketAddr;

use causeway_proto::chat::PutUserRequest;
use serde_json::Value;

use crate::{
    stage::{Causeway, Client, Person, Setup},
    telegram::{self, Bot, Telegram},
};

pub(super) const BOT: &str = "shop_bot";
pub(super) const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// Sue of support, and a bot that customers write to.
pub(super) struct Desk {
    pub(super) causeway: Causeway,
    pub(super) telegram: Telegram,
    pub(super) bot: Bot,
    pub(super) sue: Person,
}

impl Desk {
    pub(super) async fn open() -> Self {
        Self::with(Setup::default()).await
    }

    pub(super) async fn with(setup: Setup) -> Self {
        let telegram = Telegram::start().await;
        let bot = telegram.add_bot(TOKEN, BOT);
        let setup =
            setup.plugin("telegram").file(&bots(&telegram)).set("bridge.allow_http_attachments", true);
        let causeway = setup.start().await;
        let sue = support_person(&causeway).await;
        Self { causeway, telegram, bot, sue }
    }

    /// Sue's socket on the list, after what comes on connect.
    pub(super) async fn list(&self) -> Client {
        let mut client = self.causeway.client(&self.sue, "/ws/conversations/").await;
        client.expect("conversations_list").await;
        client
    }

    /// Sue's socket on a conversation, after what comes on connect.
    pub(super) async fn chat(&self, conversation_id: &str) -> Client {
        let path = format!("/helpdesk/ws/chat/{conversation_id}/");
        let mut client = self.causeway.client(&self.sue, &path).await;
        client.expect("recent_messages").await;
        client
    }

    /// A customer writes for the first time; Sue's socket on the conversation that this makes.
    pub(super) async fn meets(&self, customer: &telegram::Person, text: &str) -> (Client, String) {
        let mut list = self.list().await;
        self.bot.customer_writes(customer, text);
        let told = list.gather("new_customer_message", 1).await.remove(0);
        assert_eq!(told["message"]["content"], text);
        let id = told["conversation_id"].as_str().unwrap().to_owned();
        (self.chat(&id).await, id)
    }
}

/// A person who looks after customers.
pub(super) async fn support_person(causeway: &Causeway) -> Person {
    let [sue] = causeway.people(["Sue"]).await;
    let add_audiences = vec!["helpdesk".to_owned()];
    let request = PutUserRequest { id: sue.id.clone(), add_audiences, ..PutUserRequest::default() };
    causeway.directory().put_user(request).await.unwrap();
    sue
}

fn bots(telegram: &Telegram) -> String {
    format!(
        "[plugins.telegram]\napi = \"{}\"\nper_second = 10000\nchat_per_second = 10000\n\
         [[plugins.telegram.bots]]\naccount = \"{BOT}\"\ntoken = \"{TOKEN}\"\n",
        telegram.url()
    )
}

/// A page of the plugins' listener.
pub(super) async fn fetch(url: &str) -> (u16, Vec<u8>) {
    let response = client().get(url).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

/// Sends a body with headers to the plugins' listener; status and answer.
pub(super) async fn post(at: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = client().post(format!("http://{at}{path}")).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn client() -> reqwest::Client {
    // Who was first has installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::new()
}

/// The text of a message.
pub(super) fn content(frame: &Value) -> &str {
    frame["message"]["content"].as_str().unwrap_or_default()
}
