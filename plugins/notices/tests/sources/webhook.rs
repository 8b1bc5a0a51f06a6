//! Signed webhooks.

use std::time::{SystemTime, UNIX_EPOCH};

use causeway_notices::{Secret, Settings, Webhook};
use causeway_plugin_sdk::{
    proto::plugin::{AccountState, notice::To},
    webhook::sign_hmac_sha256,
};
use serde_json::{Value, json};

use crate::stage::Stage;

const SECRET: &str = "hunter2";
const EXAMS: &str = r#"{"id": 42, "title": "Exams", "college_id": 5, "url": "/notices/42"}"#;

/// What a backend sends.
struct Call {
    timestamp: u64,
    signature: String,
    body: String,
}

impl Call {
    fn signed(body: &str) -> Self {
        Self::signed_at(now(), body)
    }

    fn signed_at(timestamp: u64, body: &str) -> Self {
        let signature = sign_hmac_sha256(SECRET.as_bytes(), format!("{timestamp}.{body}").as_bytes());
        Self { timestamp, signature: format!("sha256={signature}"), body: body.to_owned() }
    }

    /// What it is answered: the status, and the body when there is one.
    async fn send(&self, stage: &Stage) -> (u16, Value) {
        self.send_to(stage, "backend").await
    }

    async fn send_to(&self, stage: &Stage, name: &str) -> (u16, Value) {
        let request = reqwest::Client::new()
            .post(format!("{}/notices/webhook/{name}", stage.url))
            .header("X-Causeway-Timestamp", self.timestamp.to_string())
            .header("X-Causeway-Signature", &self.signature)
            .body(self.body.clone());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn stage() -> Stage {
    let webhook = Webhook { secret: Secret::new(SECRET), ..Webhook::new("backend") };
    Stage::with(Settings { webhooks: vec![webhook], ..Settings::default() }).await
}

#[tokio::test]
async fn a_signed_notice_is_answered_once_it_is_settled() {
    let stage = stage().await;
    let (status, answer) = Call::signed(EXAMS).send(&stage).await;
    assert_eq!((status, answer), (200, json!({"outcome": "accepted", "reason": ""})));
    let event = stage.host.next_event().await;
    assert_eq!((event.account.as_str(), event.partition.as_str()), ("webhook/backend", "42"));
    let Some(causeway_plugin_sdk::proto::plugin::inbound_event::Body::Notice(notice)) = event.body else {
        panic!("a notice")
    };
    assert_eq!((notice.title.as_str(), notice.message.as_str()), ("New Notice", "Exams"));
    assert_eq!(notice.to, Some(To::Audience("college:5".into())));
    assert_eq!(notice.data, r#"{"notice_id":42,"url":"/notices/42"}"#);
    assert!(notice.is_published && notice.update_when_changed && notice.retract_when_unpublished);
    stage.account("webhook/backend", AccountState::Connected).await;
}

#[tokio::test]
async fn what_is_not_signed_so_gets_401_and_goes_nowhere() {
    let stage = stage().await;
    let stranger = Call { signature: format!("sha256={}", "0".repeat(64)), ..Call::signed(EXAMS) };
    let changed = Call { body: EXAMS.replace("42", "43"), ..Call::signed(EXAMS) };
    let moved = Call { timestamp: now() - 1, ..Call::signed_at(now(), EXAMS) };
    let unsigned = Call { signature: String::new(), ..Call::signed(EXAMS) };
    for call in [stranger, changed, moved, unsigned] {
        let (status, answer) = call.send(&stage).await;
        assert_eq!((status, &answer["field"]), (401, &json!("X-Causeway-Signature")), "{answer}");
    }
    for old in [now() - 310, now() + 310] {
        let (status, answer) = Call::signed_at(old, EXAMS).send(&stage).await;
        assert_eq!((status, &answer["field"]), (401, &json!("X-Causeway-Timestamp")), "{answer}");
    }
    stage.nothing_comes().await;
}

#[tokio::test]
async fn a_replay_gets_409_and_a_repetition_that_is_signed_anew_does_not() {
    let stage = stage().await;
    let call = Call::signed_at(now() - 10, EXAMS);
    assert_eq!(call.send(&stage).await.0, 200);
    stage.notice().await;
    for _ in 0..2 {
        assert_eq!(call.send(&stage).await.0, 409);
    }
    let upper = Call {
        signature: call.signature.to_uppercase().replace("SHA", "sha"),
        ..Call::signed_at(call.timestamp, EXAMS)
    };
    assert_eq!(upper.send(&stage).await.0, 409, "the same signature, written otherwise");
    stage.nothing_comes().await;
    assert_eq!(Call::signed_at(now() - 9, EXAMS).send(&stage).await.0, 200);
    assert_eq!(stage.notice().await.notice_id, "42");
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_for_a_person_and_the_field_is_named() {
    let stage = stage().await;
    for (body, field) in [
        ("{", "body"),
        (r#"{"id": 42, "college_id": 5}"#, "title"),
        (r#"{"id": 42, "title": "t"}"#, "user_id"),
        (r#"{"id": 42, "title": "t", "user_ids": 5}"#, "user_ids"),
    ] {
        let (status, answer) = Call::signed(body).send(&stage).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{answer}");
        let (event, kept) = stage.malformed().await;
        assert_eq!((event.account.as_str(), kept.payload), ("webhook/backend", body.as_bytes().to_vec()));
        assert!(kept.reason.starts_with(field), "{}", kept.reason);
    }
}

#[tokio::test]
async fn a_notice_that_is_not_published_any_more_says_so() {
    let stage = stage().await;
    let (status, _) = Call::signed(r#"{"id": "42", "is_published": false}"#).send(&stage).await;
    assert_eq!(status, 200);
    let notice = stage.notice().await;
    assert_eq!((notice.notice_id.as_str(), notice.is_published), ("42", false));
}

#[tokio::test]
async fn other_paths_and_long_bodies_are_refused() {
    let stage = stage().await;
    assert_eq!(Call::signed(EXAMS).send_to(&stage, "other").await.0, 404);
    let long = format!(r#"{{"id": 42, "title": "{}", "everybody": true}}"#, "x".repeat(256 << 10));
    assert_eq!(Call::signed(&long).send(&stage).await.0, 413);
    stage.nothing_comes().await;
}
