//! Notifications: signed over the bytes that are sent, repeated until they are taken, held back, turned round.
//!
//! What happens in one conversation is told in order; conversations do not wait for each other.

use std::{
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
};

use super::{APP_SECRET, world};

/// Conversations that are told of at the same time.
const LANES: usize = 8;
/// Meta repeats for 36 hours, ever more slowly. Tests have less time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How long Meta waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// As Meta's examples have it.
const CHALLENGE: &str = "1158201444";

/// With which signature a notification is sent.
#[derive(Debug, Clone)]
pub(crate) enum Signature {
    /// That of the body.
    Right,
    /// That of the body under another secret.
    Wrong,
    /// None.
    Missing,
    /// This header.
    Is(String),
}

/// Tells whoever subscribed.
#[derive(Clone)]
pub(super) struct Webhooks(Arc<Inner>);

struct Inner {
    client: Client,
    state: Mutex<State>,
    lanes: Vec<mpsc::UnboundedSender<String>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Notifications that are not taken yet.
    untold: AtomicUsize,
    told: Notify,
}

#[derive(Default)]
struct State {
    callback: Option<String>,
    repeats: usize,
    /// Lane and body, while nothing is told.
    held: Option<Vec<(usize, String)>>,
}

impl Webhooks {
    pub(super) fn start() -> Self {
        let client = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let (lanes, ends): (Vec<_>, Vec<_>) = (0..LANES).map(|_| mpsc::unbounded_channel()).unzip();
        let inner = Arc::new(Inner {
            client,
            state: Mutex::default(),
            lanes,
            tasks: Mutex::default(),
            untold: AtomicUsize::new(0),
            told: Notify::new(),
        });
        for end in ends {
            let task = tokio::spawn(inner.clone().work(end));
            inner.tasks.lock().unwrap().push(task);
        }
        Self(inner)
    }

    pub(super) fn stop(&self) {
        for task in self.0.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }

    pub(super) async fn subscribe(&self, callback: &str, verify_token: &str) -> Result<(), (u16, String)> {
        let mut url = reqwest::Url::parse(callback).unwrap();
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", CHALLENGE)
            .append_pair("hub.verify_token", verify_token);
        let answer = self.0.client.get(url).send().await.map_err(|error| (0, error.to_string()))?;
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
        if status != 200 || body != CHALLENGE {
            return Err((status, body));
        }
        self.0.state.lock().unwrap().callback = Some(callback.to_owned());
        Ok(())
    }

    /// Tells of one item, in its turn.
    pub(super) fn tell(&self, account: &str, customer: &str, item: Value) {
        let now = world::millis(SystemTime::now());
        let entry = json!({"id": account, "time": now, "messaging": [item]});
        let body = as_meta_writes(&json!({"object": "instagram", "entry": [entry]}));
        let mut hasher = DefaultHasher::new();
        (account, customer).hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap();
        self.0.untold.fetch_add(1, Ordering::SeqCst);
        let mut state = self.0.state.lock().unwrap();
        match &mut state.held {
            Some(held) => held.push((lane, body)),
            None => self.0.lanes[lane].send(body).unwrap(),
        }
    }

    pub(super) fn repeat_each(&self, times: usize) {
        self.0.state.lock().unwrap().repeats = times;
    }

    pub(super) fn hold(&self) {
        self.0.state.lock().unwrap().held.get_or_insert_default();
    }

    pub(super) fn release(&self, turned_round: bool) {
        let mut held = self.0.state.lock().unwrap().held.take().unwrap_or_default();
        if turned_round {
            held.reverse();
        }
        for (lane, body) in held {
            self.0.lanes[lane].send(body).unwrap();
        }
    }

    pub(super) async fn all_told(&self) {
        loop {
            let told = self.0.told.notified();
            if self.0.untold.load(Ordering::SeqCst) == 0 {
                return;
            }
            told.await;
        }
    }

    pub(super) async fn raw(&self, body: Vec<u8>, signature: Signature) -> u16 {
        let header = match signature {
            Signature::Right => Some(sign(APP_SECRET, &body)),
            Signature::Wrong => Some(sign("another secret", &body)),
            Signature::Missing => None,
            Signature::Is(header) => Some(header),
        };
        self.0.post(body, header).await.unwrap()
    }
}

impl Inner {
    /// Tells of one conversation after the other.
    async fn work(self: Arc<Self>, mut bodies: mpsc::UnboundedReceiver<String>) {
        while let Some(body) = bodies.recv().await {
            let repeats = self.state.lock().unwrap().repeats;
            for _ in 0..=repeats {
                self.until_taken(&body).await;
            }
            self.untold.fetch_sub(1, Ordering::SeqCst);
            self.told.notify_waiters();
        }
    }

    async fn until_taken(&self, body: &str) {
        let mut wait = FIRST_WAIT;
        let header = sign(APP_SECRET, body.as_bytes());
        while self.post(body.as_bytes().to_vec(), Some(header.clone())).await != Some(200) {
            tokio::time::sleep(wait).await;
            wait = LONGEST_WAIT.min(wait * 2);
        }
    }

    /// The status of the answer, if there is one.
    async fn post(&self, body: Vec<u8>, signature: Option<String>) -> Option<u16> {
        let callback = self.state.lock().unwrap().callback.clone()?;
        let mut request = self.client.post(callback).header(CONTENT_TYPE, "application/json").body(body);
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        Some(request.send().await.ok()?.status().as_u16())
    }
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// JSON with everything but ASCII escaped, and slashes too: what is signed is not what a parser would write again.
pub(super) fn as_meta_writes(value: &Value) -> String {
    let mut written = String::new();
    for character in value.to_string().chars() {
        match character {
            '/' => written.push_str("\\/"),
            character if character.is_ascii() => written.push(character),
            character => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(written, "\\u{unit:04x}").unwrap();
                }
            }
        }
    }
    written
}
