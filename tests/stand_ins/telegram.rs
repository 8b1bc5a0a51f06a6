//! A stand-in for Telegram: its Bot API (<https://core.telegram.org/bots/api>) as an HTTP server in the process, with the same
//! paths, JSON, errors, limits and webhooks, and with customers who do what a test wants.
//!
//! Start at [`Telegram::start`] and [`Telegram::add_bot`]; what customers do and what reached them is [`Bot`]'s. A test crate takes
//! it in as a module, by its path; each uses a part of it.
#![allow(dead_code, unused_imports, reason = "each test crate uses a part of it")]
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "telegram/answer.rs"]
mod answer;
#[path = "telegram/bot.rs"]
mod bot;
#[path = "telegram/bring.rs"]
mod bring;
#[path = "telegram/desk.rs"]
mod desk;
#[path = "telegram/failure.rs"]
mod failure;
#[path = "telegram/messages.rs"]
mod messages;
#[path = "telegram/params.rs"]
mod params;
#[path = "telegram/people.rs"]
mod people;
#[path = "telegram/server.rs"]
mod server;
#[path = "telegram/updates.rs"]
mod updates;
#[path = "telegram/wire.rs"]
mod wire;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use self::desk::Desk;
pub(crate) use self::{
    bot::{Bot, Order, Written},
    desk::SentMessage,
    failure::Failure,
    people::{Content, Person, Sticker},
};

/// The server, with its bots. It runs as long as the test's runtime.
#[derive(Clone)]
pub(crate) struct Telegram {
    address: SocketAddr,
    desks: Desks,
}

/// Bots by token.
type Desks = Arc<Mutex<HashMap<String, Arc<Desk>>>>;

impl Telegram {
    /// Serves on a free port of the loopback interface.
    pub(crate) async fn start() -> Self {
        // For the clients of tests, which may come before the plugin's.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let desks = Desks::default();
        let address = server::start(desks.clone()).await;
        Self { address, desks }
    }

    /// What a client takes for `https://api.telegram.org`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A bot as `@BotFather` makes it. The token begins with the bot's id and a colon.
    pub(crate) fn add_bot(&self, token: &str, username: &str) -> Bot {
        let desk = Arc::new(Desk::new(token, username));
        self.desks.lock().unwrap().insert(token.to_owned(), desk.clone());
        Bot::new(desk)
    }

    /// Makes a token worthless, as `@BotFather` does.
    pub(crate) fn revoke(&self, token: &str) {
        self.desks.lock().unwrap().remove(token);
    }
}
