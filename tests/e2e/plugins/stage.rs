//! A Causeway between a provider and somebody of support: [`Desk`] with Telegram, [`Shop`] with Instagram.

use std::net::SocketAddr;

use causeway_proto::chat::PutUserRequest;
use serde_json::Value;

use crate::{
    instagram::{APP_ID, APP_SECRET, Instagram},
    stage::{Causeway, Client, Person, Setup, eventually},
    telegram::{self, Bot, Telegram},
};

pub(super) const BOT: &str = "shop_bot";
pub(super) const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// Two professional accounts of one app, and what was typed in for its webhook.
pub(super) const SHOP: &str = "17841400000000001";
pub(super) const OUTLET: &str = "17841400000000002";
pub(super) const VERIFY_TOKEN: &str = "a-word-typed-in-at-meta";
/// A customer with a profile.
pub(super) const PETER: &str = "1254459154682919";

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
        list(&self.causeway, &self.sue).await
    }

    /// Sue's socket on a conversation, after what comes on connect.
    pub(super) async fn chat(&self, conversation_id: &str) -> Client {
        history(&self.causeway, &self.sue, conversation_id).await.0
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

/// Sue of support, and two accounts that customers write to.
pub(super) struct Shop {
    pub(super) causeway: Causeway,
    pub(super) instagram: Instagram,
    pub(super) sue: Person,
}

impl Shop {
    /// With the webhook subscribed, and the app's id configured.
    pub(super) async fn open() -> Self {
        Self::with(Setup::default(), &format!("app_id = \"{APP_ID}\"\n")).await
    }

    /// `more` is what else is said of each account.
    pub(super) async fn with(setup: Setup, more: &str) -> Self {
        let instagram = Instagram::start().await;
        instagram.add_customer(PETER, "Peter Chang", "peter_chang_live");
        for id in [SHOP, OUTLET] {
            instagram.add_account(id, &account(id), &access_token(id));
        }
        let setup = setup.plugin("instagram").file(&accounts(&instagram, more));
        let causeway = setup.start().await;
        let sue = support_person(&causeway).await;
        let shop = Self { causeway, instagram, sue };
        eventually("the webhook is subscribed", async || shop.subscribe(VERIFY_TOKEN).await.is_ok()).await;
        shop
    }

    /// Types the webhook in at Meta.
    pub(super) async fn subscribe(&self, verify_token: &str) -> Result<(), (u16, String)> {
        let callback = format!("http://{}/instagram/webhook", self.causeway.at.plugins);
        self.instagram.subscribe(&callback, verify_token).await
    }

    /// Sue's socket on the list, after what comes on connect.
    pub(super) async fn list(&self) -> Client {
        list(&self.causeway, &self.sue).await
    }

    /// Sue's socket on a conversation, and the messages that it has.
    pub(super) async fn history(&self, conversation_id: &str) -> (Client, Vec<Value>) {
        history(&self.causeway, &self.sue, conversation_id).await
    }

    /// A customer writes to an account for the first time; Sue's socket on the conversation that this makes.
    pub(super) async fn meets(&self, account: &str, customer: &str, text: &str) -> (Client, String) {
        let mut list = self.list().await;
        self.instagram.customer_writes(account, customer, text);
        let told = list.gather("new_customer_message", 1).await.remove(0);
        assert_eq!(told["message"]["content"], text);
        let id = told["conversation_id"].as_str().unwrap().to_owned();
        (self.history(&id).await.0, id)
    }
}

async fn list(causeway: &Causeway, who: &Person) -> Client {
    let mut client = causeway.client(who, "/ws/conversations/").await;
    client.expect("conversations_list").await;
    client
}

async fn history(causeway: &Causeway, who: &Person, conversation_id: &str) -> (Client, Vec<Value>) {
    let mut client = causeway.client(who, &format!("/helpdesk/ws/chat/{conversation_id}/")).await;
    let recent = client.expect("recent_messages").await;
    (client, recent["messages"].as_array().unwrap().clone())
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

fn accounts(instagram: &Instagram, more: &str) -> String {
    let accounts = [SHOP, OUTLET].map(|id| {
        let (name, token) = (account(id), access_token(id));
        format!(
            "[[plugins.instagram.accounts]]\naccount = \"{name}\"\ninstagram_id = \"{id}\"\n\
             access_token = \"{token}\"\n{more}"
        )
    });
    format!(
        "[plugins.instagram]\napi = \"{}\"\napp_secret = \"{APP_SECRET}\"\nverify_token = \"{VERIFY_TOKEN}\"\n{}",
        instagram.url(),
        accounts.concat()
    )
}

/// What we call an account.
pub(super) fn account(instagram_id: &str) -> String {
    format!("account-{instagram_id}")
}

pub(super) fn access_token(instagram_id: &str) -> String {
    format!("IGAA{instagram_id}hunter2")
}

/// What a command prints as JSON.
pub(super) async fn shown(causeway: &Causeway, arguments: &[&str]) -> Value {
    let printed = causeway.run_well(&[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&printed).unwrap()
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
