//! Notices by signed webhook.

use serde_json::json;

use super::campus::{Campus, Signed, notice};
use crate::stage::{Setup, TIME};

#[tokio::test]
async fn a_notice_reaches_each_student_of_its_college_once_whatever_is_repeated() {
    let mut campus = Campus::open().await;
    let mut sockets = campus.sockets().await;
    let exams = json!({"id": 42, "title": "Mid-term exam schedule", "college_id": 5, "url": "/notices/42"});
    campus.publishes(exams.clone()).await;
    let expected = notice("Mid-term exam schedule", json!({"notice_id": 42, "url": "/notices/42"}));
    sockets.college_sees(&expected).await;

    let known = (200, json!({"outcome": "duplicate", "reason": "it is known"}));
    for _ in 0..3 {
        assert_eq!(campus.says(exams.clone()).await, known);
    }
    campus.nothing_but(&mut sockets, "one").await;
    campus.restart().await;
    let mut sockets = campus.sockets().await;
    assert_eq!(campus.says(exams).await, known);
    campus.nothing_but(&mut sockets, "two").await;
    assert_eq!(campus.list(&campus.ann).await, ["two", "one", "Mid-term exam schedule"]);
    assert_eq!(campus.list(&campus.cid).await, ["two", "one"]);
}

#[tokio::test]
async fn what_is_not_signed_or_is_replayed_is_refused() {
    let campus = Campus::with(Setup::default().split(), "").await;
    let mut sockets = campus.sockets().await;
    let body = json!({"id": 42, "title": "Free beer", "everybody": true}).to_string();
    let wrong = Signed { signature: format!("sha256={}", "0".repeat(64)), ..campus.sign(&body) };
    let changed = Signed { body: body.replace("Free", "Cheap"), ..campus.sign(&body) };
    let moved = Signed { timestamp: campus.sign(&body).timestamp, ..campus.sign(&body) };
    for refused in [wrong, changed, moved] {
        let (status, answer) = campus.calls("backend", &refused).await;
        assert_eq!((status, &answer["field"]), (401, &json!("X-Causeway-Signature")));
    }
    assert_eq!(campus.calls("another", &campus.sign(&body)).await.0, 404);

    let good = campus.sign(&json!({"id": 43, "title": "Exams", "everybody": true}).to_string());
    assert_eq!(campus.calls("backend", &good).await.0, 200);
    assert_eq!(sockets.ann.expect("notify").await["message"], "Exams");
    assert_eq!(campus.calls("backend", &good).await.0, 409);
    assert_eq!(campus.list(&campus.ann).await, ["Exams"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_kept_for_a_person() {
    let campus = Campus::open().await;
    for (body, field) in [("{", "body"), (r#"{"id": 1, "title": "t", "college_id": []}"#, "college_id")] {
        let (status, answer) = campus.calls("backend", &campus.sign(body)).await;
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{answer}");
    }
    let kept = crate::plugins::stage::shown(&campus.causeway, &["plugin", "set-aside", "notices"]).await;
    assert_eq!(
        (kept[0]["account"].as_str(), kept[1]["payload"].as_str()),
        (Some("webhook/backend"), Some("{"))
    );
}

#[tokio::test]
async fn a_changed_notice_is_shown_again_and_one_that_is_taken_back_leaves_the_lists() {
    let campus = Campus::open().await;
    let mut sockets = campus.sockets().await;
    let exams = |title: &str, is_published: bool| json!({"id": "exams", "title": title, "college_id": 5, "is_published": is_published});
    let (status, answer) = campus.says(exams("Exams", false)).await;
    assert_eq!((status, &answer["outcome"]), (200, &json!("ignored")));
    let mut expected = Vec::new();
    for (title, is_published) in
        [("Exams", true), ("Exams on Monday", true), ("Exams", false), ("Exams", true)]
    {
        campus.publishes(exams(title, is_published)).await;
        if is_published {
            sockets.college_sees(&notice(title, json!({"notice_id": "exams"}))).await;
            expected = vec![title];
        } else {
            expected.clear();
        }
        assert_eq!(campus.list(&campus.ben).await, expected);
    }
    campus.nothing_but(&mut sockets, "the end").await;
    campus.publishes(json!({"id": "exams", "is_published": false})).await;
    assert_eq!(campus.list(&campus.ann).await, ["the end"]);
}

#[tokio::test]
async fn templates_say_how_notices_read() {
    let publish = "publish = { title = \"{author}: {title}\", message = \"{message}\", url = \"/notices/{id}\", \
                   notification_type = \"alert\", update_when_changed = false, retract_when_unpublished = false }\n";
    let campus = Campus::with(Setup::default(), publish).await;
    let mut sockets = campus.sockets().await;
    let fire = |message: &str| json!({"id": 7, "title": "Fire", "author": "Dean", "message": message, "college_id": 5});
    campus.publishes(fire("Leave the house")).await;
    let expected = json!({"type": "notify", "title": "Dean: Fire", "message": "Leave the house",
        "notification_type": "alert", "timestamp": TIME, "data": {"notice_id": 7, "url": "/notices/7"}});
    sockets.college_sees(&expected).await;
    for unwanted in [fire("Come back"), json!({"id": 7, "is_published": false})] {
        assert_eq!(campus.says(unwanted).await.1["outcome"], "ignored");
    }
    assert_eq!(campus.list(&campus.ann).await, ["Leave the house"]);
}
