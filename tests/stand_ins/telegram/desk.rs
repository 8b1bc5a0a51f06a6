//! What Telegram knows of one bot: its updates, its chats, and what it sent.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use super::{
    failure::Failures,
    people::{Brought, Person},
};

/// One bot.
pub(crate) struct Desk {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) state: Mutex<State>,
    /// There are new updates, or the way in which they go has changed.
    pub(crate) news: Notify,
    /// Something was sent.
    pub(crate) sent: Notify,
    /// Calls of the webhook that are under way.
    pub(crate) bringing: Semaphore,
}

/// An update that waits.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) id: u64,
    pub(crate) chat: i64,
    /// As it is sent.
    pub(crate) json: Arc<str>,
}

/// A message that a bot sent, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentMessage {
    pub(crate) chat_id: i64,
    pub(crate) message_id: i32,
    /// For example "sendMessage".
    pub(crate) method: String,
    /// Text or caption.
    pub(crate) text: String,
    /// The URL or id of a file.
    pub(crate) file: Option<String>,
    pub(crate) reply_to: Option<i32>,
    pub(crate) is_edited: bool,
    pub(crate) is_deleted: bool,
    pub(crate) at: Instant,
}

/// What is known of a message in a chat.
pub(crate) struct Known {
    pub(crate) text: Option<String>,
    /// Which of what was sent; `None` for the customers' own, and for what is not recorded.
    pub(crate) sent: Option<usize>,
    pub(crate) is_ours: bool,
}

/// Where updates are brought.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
}

pub(crate) struct State {
    pub(crate) next_update: u64,
    pub(crate) next_message: i32,
    /// Updates that wait to be asked for.
    pub(crate) pending: VecDeque<Update>,
    /// Updates that wait to be brought, by chat.
    pub(crate) lanes: HashMap<i64, VecDeque<Update>>,
    /// Updates that a test holds back.
    pub(crate) held: Option<Vec<Update>>,
    pub(crate) last: Option<Update>,
    /// Kinds of updates that the bot wants; `None`: those that every bot gets.
    pub(crate) allowed: Option<HashSet<String>>,
    pub(crate) webhook: Option<Webhook>,
    /// What last went wrong with it, and when.
    pub(crate) webhook_error: Option<(u64, String)>,
    /// Counts who asks for updates, so that an older one notices.
    pub(crate) pollers: u64,
    pub(crate) chats: HashMap<i64, Person>,
    pub(crate) blocked: HashSet<i64>,
    pub(crate) deactivated: HashSet<i64>,
    pub(crate) messages: HashMap<(i64, i32), Known>,
    /// By id.
    pub(crate) files: HashMap<String, (String, Brought)>,
    /// Ids by path.
    pub(crate) paths: HashMap<String, String>,
    pub(crate) is_recording: bool,
    pub(crate) sent: Vec<SentMessage>,
    pub(crate) sent_count: u64,
    pub(crate) actions: Vec<(i64, String)>,
    pub(crate) reactions: HashMap<(i64, i32), Value>,
    pub(crate) calls: HashMap<String, u64>,
    pub(crate) failures: Failures,
    pub(crate) rate: Option<Rate>,
}

impl Desk {
    pub(crate) fn new(token: &str, username: &str) -> Self {
        let id = token.split_once(':').and_then(|(id, _)| id.parse().ok()).unwrap_or(1);
        let state = State {
            next_update: 700_000_001,
            next_message: 1,
            pending: VecDeque::new(),
            lanes: HashMap::new(),
            held: None,
            last: None,
            allowed: None,
            webhook: None,
            webhook_error: None,
            pollers: 0,
            chats: HashMap::new(),
            blocked: HashSet::new(),
            deactivated: HashSet::new(),
            messages: HashMap::new(),
            files: HashMap::new(),
            paths: HashMap::new(),
            is_recording: true,
            sent: Vec::new(),
            sent_count: 0,
            actions: Vec::new(),
            reactions: HashMap::new(),
            calls: HashMap::new(),
            failures: Failures::default(),
            rate: None,
        };
        Self {
            id,
            username: username.to_owned(),
            state: Mutex::new(state),
            news: Notify::new(),
            sent: Notify::new(),
            bringing: Semaphore::new(40),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// As a `User`.
    pub(crate) fn user(&self) -> Value {
        json!({ "id": self.id, "is_bot": true, "first_name": self.username, "username": self.username })
    }
}

impl State {
    pub(crate) fn message_id(&mut self) -> i32 {
        self.next_message += 1;
        self.next_message - 1
    }

    /// Keeps a file; its id.
    pub(crate) fn keep(&mut self, file: Brought) -> String {
        let number = self.files.len();
        let id = format!("AgACAgIAAxkBAAM{number:08}-_file");
        let path = format!("{}/file_{number}.{}", file.path.0, file.path.1);
        self.paths.insert(path.clone(), id.clone());
        self.files.insert(id.clone(), (path, file));
        id
    }

    /// Whether the bot gets updates of this kind. Three are only given to who asks for them.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        match &self.allowed {
            Some(kinds) => kinds.contains(kind),
            None => !matches!(kind, "chat_member" | "message_reaction" | "message_reaction_count"),
        }
    }
}

/// A limit of messages per second, over the last second.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: usize,
    pub(crate) last: VecDeque<Instant>,
    /// How often it was said that it is too fast.
    pub(crate) refused: u64,
}

impl Rate {
    /// Whether one more is too many.
    pub(crate) fn is_over(&mut self) -> bool {
        let now = Instant::now();
        while self.last.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            self.last.pop_front();
        }
        if self.last.len() >= self.per_second {
            self.refused += 1;
            return true;
        }
        self.last.push_back(now);
        false
    }
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
