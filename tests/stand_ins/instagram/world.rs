//! Accounts, customers, who wrote when, what was sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::Failure;

/// What Instagram knows.
#[derive(Default)]
pub(super) struct World(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    accounts: HashMap<String, Account>,
    customers: HashMap<String, Value>,
    /// When a customer last wrote to an account.
    threads: HashMap<(String, String), SystemTime>,
    mids: u64,
    pub(super) sent: Vec<Sent>,
    pub(super) typing: Vec<Typing>,
    pub(super) requests: Vec<Request>,
    pub(super) failures: VecDeque<Failure>,
    pub(super) profile_failure: Option<Failure>,
    pub(super) limit: Option<(usize, Duration)>,
    /// When the messages were taken that count for the limit.
    recent: VecDeque<Instant>,
    pub(super) is_silent: bool,
    pub(super) is_away: bool,
}

/// A professional account.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) username: String,
    pub(super) token: String,
    pub(super) expired: bool,
}

/// A message that was sent by the API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) account: String,
    pub(crate) customer: String,
    pub(crate) mid: String,
    /// `message` as it came.
    pub(crate) message: Value,
    /// The whole body as it came.
    pub(crate) body: Value,
}

impl Sent {
    /// Its text; empty for an attachment.
    pub(crate) fn text(&self) -> &str {
        self.message["text"].as_str().unwrap_or_default()
    }
}

/// Typing that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typing {
    pub(crate) account: String,
    pub(crate) customer: String,
    pub(crate) is_on: bool,
}

/// A call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// For example "POST".
    pub(crate) method: String,
    /// Path and query.
    pub(crate) url: String,
    /// The header; empty when there is none.
    pub(crate) authorization: String,
}

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    pub(super) fn add_account(&mut self, id: &str, username: &str, token: &str) {
        let [id, username, token] = [id, username, token].map(str::to_owned);
        self.accounts.insert(id.clone(), Account { id, username, token, expired: false });
    }

    pub(super) fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.get_mut(id).unwrap()
    }

    /// Whose token that is.
    pub(super) fn with_token(&self, token: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.token == token)
    }

    pub(super) fn add_customer(&mut self, id: &str, name: Option<&str>, username: &str) {
        let picture = format!("https://scontent.cdninstagram.com/v/{id}.jpg");
        let profile = json!({"id": id, "name": name, "username": username, "profile_pic": picture});
        self.customers.insert(id.to_owned(), profile);
    }

    /// The profile of somebody who has ever written.
    pub(super) fn customer(&self, id: &str) -> Option<&Value> {
        self.customers.get(id)
    }

    /// A customer writes: the window is open. The id of the message.
    pub(super) fn writes(&mut self, account: &str, customer: &str, at: SystemTime) -> String {
        if !self.customers.contains_key(customer) {
            self.add_customer(customer, None, &format!("user_{customer}"));
        }
        self.wrote_at(account, customer, at);
        self.new_mid(account)
    }

    pub(super) fn wrote_at(&mut self, account: &str, customer: &str, at: SystemTime) {
        self.threads.insert((account.to_owned(), customer.to_owned()), at);
    }

    /// How long ago a customer wrote; `None` for one who never has.
    pub(super) fn since_wrote(&self, account: &str, customer: &str) -> Option<Duration> {
        let at = self.threads.get(&(account.to_owned(), customer.to_owned()))?;
        Some(at.elapsed().unwrap_or_default())
    }

    /// Ids look so, and are longer than one would think.
    pub(super) fn new_mid(&mut self, account: &str) -> String {
        self.mids += 1;
        let process = std::process::id();
        format!(
            "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj{account}OjM0MDI4MjM2Njg0MTcxMDMwMTI0NDI1OT{process}T{:012}ZD",
            self.mids
        )
    }

    /// Counts a message; when the limit is reached, says for how long.
    pub(super) fn over_limit(&mut self) -> Option<Duration> {
        let (messages, per) = self.limit?;
        let now = Instant::now();
        while self.recent.front().is_some_and(|at| *at + per <= now) {
            self.recent.pop_front();
        }
        if self.recent.len() < messages {
            self.recent.push_back(now);
            return None;
        }
        Some(self.recent.front().map_or(per, |oldest| *oldest + per - now))
    }
}

/// The item that tells of a message of an account's own. `message` has its id and content.
pub(super) fn echo(account: &str, customer: &str, mut message: Value, app: Option<u64>) -> Value {
    message["is_echo"] = true.into();
    if let Some(app) = app {
        message["app_id"] = app.into();
    }
    let now = millis(SystemTime::now());
    json!({"sender": {"id": account}, "recipient": {"id": customer}, "timestamp": now, "message": message})
}

/// Milliseconds since the epoch.
pub(super) fn millis(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
