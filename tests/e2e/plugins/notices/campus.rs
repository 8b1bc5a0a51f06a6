//! Students with their sockets, and the backend that publishes notices by a signed webhook.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpStream;

use crate::{
    plugins::stage::post,
    stage::{Causeway, Client, Person, Setup, TIME, causeway::UP, eventually, with_token},
};

const SECRET: &str = "what-the-backend-signs-with";
/// What the webhook is in the configuration.
const WEBHOOK: &str =
    "[[plugins.notices.webhooks]]\nname = \"backend\"\nsecret = \"what-the-backend-signs-with\"\n";

/// Ann and Ben of college 5 and Cid of college 6, and a webhook called "backend".
pub(super) struct Campus {
    pub(super) causeway: Causeway,
    pub(super) ann: Student,
    pub(super) ben: Student,
    pub(super) cid: Student,
    /// When the next request was signed, in seconds since 1970: each a second before the last, so that no two are the same.
    signing_time: AtomicU64,
}

/// Somebody with a token that says the college.
pub(super) struct Student {
    pub(super) person: Person,
    token: String,
}

/// Sockets on the campus' notices.
pub(super) struct Sockets {
    pub(super) ann: Client,
    pub(super) ben: Client,
    pub(super) cid: Client,
}

/// A request as the backend sends it.
pub(super) struct Signed {
    pub(super) timestamp: String,
    pub(super) signature: String,
    pub(super) body: String,
}

impl Campus {
    /// With nothing but the webhook.
    pub(super) async fn open() -> Self {
        Self::with(Setup::default(), "").await
    }

    /// With more sources, or more of the webhook's settings first.
    pub(super) async fn with(setup: Setup, more: &str) -> Self {
        let causeway = setup.plugin("notices").file(&format!("{WEBHOOK}{more}")).start().await;
        let people = causeway.people(["Ann", "Ben", "Cid"]).await;
        let mut tokens = Vec::new();
        for (person, college) in people.iter().zip(["college_id=5", "college_id=5", "college_id=6"]) {
            tokens.push(causeway.new_token(&person.id, &["--claim", college]).await);
        }
        let mut students = people.into_iter().zip(tokens).map(|(person, token)| Student { person, token });
        let [ann, ben, cid] = std::array::from_fn(|_| students.next().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let campus = Self { causeway, ann, ben, cid, signing_time: AtomicU64::new(now) };
        campus.listens().await;
        campus
    }

    /// Kills everything and starts it again.
    pub(super) async fn restart(&mut self) {
        self.causeway.kill(UP);
        self.start_again().await;
    }

    /// Starts what was stopped.
    pub(super) async fn start_again(&mut self) {
        self.causeway.start_again().await;
        self.listens().await;
    }

    async fn listens(&self) {
        let at = self.causeway.at.plugins;
        eventually("the webhook is there", async || TcpStream::connect(at).await.is_ok()).await;
    }

    /// A student's socket.
    pub(super) async fn socket(&self, student: &Student, path: &str) -> Client {
        self.causeway.open(&student.person.first_name, &with_token(path, &student.token)).await
    }

    /// A student's socket on the notifications of the dialect that lists them.
    pub(super) async fn jobs(&self, student: &Student) -> Client {
        self.socket(student, &format!("/ws/notifications/{}/", student.person.id)).await
    }

    /// Everybody's sockets, for what comes from now on.
    pub(super) async fn sockets(&self) -> Sockets {
        let path = "/ws/notifications/";
        Sockets {
            ann: self.socket(&self.ann, path).await,
            ben: self.socket(&self.ben, path).await,
            cid: self.socket(&self.cid, path).await,
        }
    }

    /// The messages of a student's notifications, newest first.
    pub(super) async fn list(&self, student: &Student) -> Vec<String> {
        let mut jobs = self.jobs(student).await;
        jobs.send(json!({"type": "get_notifications"})).await;
        let page = jobs.expect("notifications").await;
        let listed = page["notifications"].as_array().unwrap();
        listed.iter().map(|one| one["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The backend says how a notice is now; what it is answered.
    pub(super) async fn says(&self, notice: Value) -> (u16, Value) {
        self.calls("backend", &self.sign(&notice.to_string())).await
    }

    /// The backend says something that is accepted.
    pub(super) async fn publishes(&self, notice: Value) {
        assert_eq!(self.says(notice).await, (200, json!({"outcome": "accepted", "reason": ""})));
    }

    /// Signs as the documentation says: over timestamp, dot and body.
    pub(super) fn sign(&self, body: &str) -> Signed {
        let timestamp = self.signing_time.fetch_sub(1, Ordering::Relaxed).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{timestamp}.{body}").as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        Signed { timestamp, signature, body: body.to_owned() }
    }

    /// Sends a request as it stands to a webhook; status and answer.
    pub(super) async fn calls(&self, webhook: &str, signed: &Signed) -> (u16, Value) {
        let Signed { timestamp, signature, body } = signed;
        let headers =
            [("X-Causeway-Timestamp", timestamp.as_str()), ("X-Causeway-Signature", signature.as_str())];
        let path = format!("/notices/webhook/{webhook}");
        let (status, answer) = post(self.causeway.at.plugins, &path, &headers, body).await;
        (status, serde_json::from_str(&answer).unwrap_or_default())
    }

    /// A notice to everybody is the next that each socket shows: there was nothing else before it.
    pub(super) async fn nothing_but(&self, sockets: &mut Sockets, last: &str) {
        self.publishes(json!({"id": last, "title": last, "everybody": true})).await;
        for socket in [&mut sockets.ann, &mut sockets.ben, &mut sockets.cid] {
            assert_eq!(socket.expect("notify").await["message"], last);
        }
    }
}

impl Sockets {
    /// The next that both students of college 5 see.
    pub(super) async fn college_sees(&mut self, notice: &Value) {
        for socket in [&mut self.ann, &mut self.ben] {
            socket.expect_exact(notice.clone()).await;
        }
    }
}

/// A notice as it reads by default.
pub(super) fn notice(message: &str, data: Value) -> Value {
    json!({"type": "notify", "title": "New Notice", "message": message, "notification_type": "notice",
           "timestamp": TIME, "data": data})
}
