//! A stand-in for Instagram: the Graph API at one end, webhooks at the other.
//!
//! Written from Meta's public documentation of "Instagram API with Instagram Login" (messaging, user profile, sender actions),
//! Webhooks and Graph API errors. It uses none of Causeway's crates. [`Instagram::start`] listens; [`Instagram::add_account`]
//! and [`Instagram::subscribe`] do what a person does in the app's dashboard; the rest is what happens: customers write, react
//! and read, somebody answers by phone, and Meta's machines have bad days ([`Failure`]).
//!
//! | files | hold |
//! |---|---|
//! | `people` | what customers do, and whoever answers them by other means |
//! | `graph` | the endpoints, and what they refuse |
//! | `refusal` | errors as the Graph API writes them |
//! | `world` | accounts, customers, who wrote when, what was sent |
//! | `webhooks` | notifications: signed, repeated until they are taken, held back, turned round |
//!
//! To include it: `#[path = "…/stand_ins/instagram.rs"] mod instagram;`, with axum, hex, hmac, reqwest, rustls, serde_json,
//! sha2 and tokio among the dependencies.
#![allow(dead_code, reason = "no test needs all that can happen")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "instagram/graph.rs"]
mod graph;
#[path = "instagram/people.rs"]
mod people;
#[path = "instagram/refusal.rs"]
mod refusal;
#[path = "instagram/webhooks.rs"]
mod webhooks;
#[path = "instagram/world.rs"]
mod world;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{net::TcpListener, task::JoinHandle};

pub(crate) use self::{
    refusal::Refusal,
    webhooks::Signature,
    world::{Request, Sent, Typing},
};
use self::{webhooks::Webhooks, world::World};

/// The app's id and secret, as its dashboard shows them.
pub(crate) const APP_ID: &str = "1234567890123456";
pub(crate) const APP_SECRET: &str = "3c1f0a5e7d9b4826a1c2e3f405162738";

/// Instagram, until it is dropped.
pub(crate) struct Instagram {
    world: Arc<World>,
    webhooks: Webhooks,
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// An answer that does not come from the API: a page with this status.
    Status(u16),
    /// The API refuses.
    Refusal(Refusal),
    /// The connection is closed; nothing was done.
    Close,
    /// No answer ever comes; nothing was done.
    Hang,
    /// The connection is closed after the message was sent.
    SendAndClose,
    /// The message is sent, and no answer ever comes.
    SendAndHang,
}

impl Instagram {
    /// Listens on a free port of this machine. There are no accounts yet, and nobody has subscribed.
    pub(crate) async fn start() -> Self {
        // For the client that delivers webhooks.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(World::default());
        let webhooks = Webhooks::start();
        let router = graph::router(world.clone(), webhooks.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { world, webhooks, address, server }
    }

    /// What to configure in place of `https://graph.instagram.com`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A professional account that has given the app an access token.
    pub(crate) fn add_account(&self, id: &str, username: &str, token: &str) {
        self.world.lock().add_account(id, username, token);
    }

    /// A person with a profile. One who writes without is made up.
    pub(crate) fn add_customer(&self, id: &str, name: &str, username: &str) {
        self.world.lock().add_customer(id, Some(name), username);
    }

    /// Subscribes a webhook: asks the callback for the challenge, and sends what happens from now on. Fails with what the
    /// callback answered instead.
    pub(crate) async fn subscribe(&self, callback: &str, verify_token: &str) -> Result<(), (u16, String)> {
        self.webhooks.subscribe(callback, verify_token).await
    }

    /// Sends a notification once, as it stands; the status that it is answered with.
    pub(crate) async fn raw_webhook(&self, body: impl Into<Vec<u8>>, signature: Signature) -> u16 {
        self.webhooks.raw(body.into(), signature).await
    }

    /// Waits until all that happened has been taken by whoever subscribed.
    pub(crate) async fn all_told(&self) {
        self.webhooks.all_told().await;
    }

    /// Tells everything this often again after it was taken.
    pub(crate) fn repeat_each(&self, times: usize) {
        self.webhooks.repeat_each(times);
    }

    /// Tells nothing until [`Instagram::release`].
    pub(crate) fn hold(&self) {
        self.webhooks.hold();
    }

    /// Tells what was held, the last first when `turned_round`.
    pub(crate) fn release(&self, turned_round: bool) {
        self.webhooks.release(turned_round);
    }

    /// Messages that were sent by the API, in order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.world.lock().sent.clone()
    }

    /// Typing that was shown, in order.
    pub(crate) fn typing(&self) -> Vec<Typing> {
        self.world.lock().typing.clone()
    }

    /// Calls of the API, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.world.lock().requests.clone()
    }

    /// The next call of `POST …/messages` goes wrong; of several, in order.
    pub(crate) fn fail_next(&self, failure: Failure) {
        self.world.lock().failures.push_back(failure);
    }

    /// Questions for profiles go wrong from now on; `None`: no more.
    pub(crate) fn fail_profiles(&self, failure: Option<Failure>) {
        self.world.lock().profile_failure = failure;
    }

    /// Takes at most that many messages in any such time; above it says so with error 80002.
    pub(crate) fn rate_limit(&self, messages: usize, per: Duration) {
        self.world.lock().limit = Some((messages, per));
    }

    /// An account's token is past its time.
    pub(crate) fn expire_token(&self, account: &str) {
        self.world.lock().account(account).expired = true;
    }

    /// And is good again, as if a new one had been made that reads the same.
    pub(crate) fn renew_token(&self, account: &str) {
        self.world.lock().account(account).expired = false;
    }

    /// Lets it be that long ago that a customer wrote.
    pub(crate) fn customer_wrote_ago(&self, account: &str, customer: &str, ago: Duration) {
        self.world.lock().wrote_at(account, customer, SystemTime::now() - ago);
    }

    /// Says nothing of the messages that are sent from now on, or says it again.
    pub(crate) fn echo(&self, on: bool) {
        self.world.lock().is_silent = !on;
    }

    /// Closes every connection without an answer while `away`.
    pub(crate) fn goes(&self, away: bool) {
        self.world.lock().is_away = away;
    }
}

impl Drop for Instagram {
    fn drop(&mut self) {
        self.server.abort();
        self.webhooks.stop();
    }
}
