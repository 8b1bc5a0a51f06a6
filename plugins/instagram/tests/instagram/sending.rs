//! What goes out, and what comes of it.

use std::time::Duration;

use causeway_plugin_sdk::proto::plugin::{
    Delivery, DeliveryReport, DeliveryState, File, FileDelivery, Typing, Voice, delivery::Body,
};
use serde_json::json;

use crate::{
    stage::{DAY, PETER, SHOP, Stage, TOKEN, to_peter},
    stand_in::{self, Failure, Refusal},
    until::until,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Code of a report that says never.
#[track_caller]
fn never(report: &DeliveryReport) -> &str {
    assert_eq!((report.state(), report.permanent), (DeliveryState::Failed, true), "{report:?}");
    &report.code
}

/// Code and wait of a report that says later.
#[track_caller]
fn later(report: &DeliveryReport) -> (&str, u32, bool) {
    assert_eq!((report.state(), report.permanent), (DeliveryState::Failed, false), "{report:?}");
    (&report.code, report.retry_after_ms, report.pause_account)
}

/// A stage on which Peter has just written.
async fn talking() -> Stage {
    let stage = Stage::start().await;
    stage.peter_wrote(Duration::ZERO);
    stage
}

#[tokio::test]
async fn a_text_is_sent_and_its_id_reported() {
    let stage = talking().await;
    let report = stage.say("Yes, the last one 🚤").await;
    assert_eq!(report.state(), DeliveryState::Sent);
    let sent = &stage.instagram.sent()[0];
    assert_eq!(
        (sent.customer.as_str(), sent.text(), &sent.mid),
        (PETER, "Yes, the last one 🚤", &report.provider_message_id)
    );
    let body = json!({"recipient": {"id": PETER}, "message": {"text": "Yes, the last one 🚤"}});
    assert_eq!(sent.body, body);
    let requests = stage.instagram.requests();
    let request = requests.iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(request.url, format!("/v23.0/{SHOP}/messages"));
    assert_eq!(request.authorization, format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn an_answer_names_what_it_answers() {
    let stage = talking().await;
    let mut delivery = to_peter("This one");
    if let Some(Body::Text(text)) = &mut delivery.body {
        text.reply_to = "m1".to_owned();
    }
    stage.host.deliver(delivery).await;
    assert_eq!(stage.instagram.sent()[0].body["reply_to"], json!({"mid": "m1"}));
}

#[tokio::test]
async fn files_are_sent_by_their_address() {
    let stage = talking().await;
    let file = |kind: &str| {
        let file = File { url: "https://files/a".to_owned(), kind: kind.to_owned(), ..File::default() };
        let body = Body::File(FileDelivery { file: Some(file), ..FileDelivery::default() });
        Delivery { body: Some(body), ..to_peter("") }
    };
    for kind in ["image", "video", "audio", "file"] {
        assert_eq!(stage.host.deliver(file(kind)).await.state(), DeliveryState::Sent);
        let message = json!({"attachment": {"type": kind, "payload": {"url": "https://files/a"}}});
        assert_eq!(stage.instagram.sent().pop().unwrap().message, message);
    }
    assert_eq!(never(&stage.host.deliver(file("sticker")).await), "unsupported");
}

#[tokio::test]
async fn a_thousand_bytes_go_and_one_more_does_not() {
    let stage = talking().await;
    let text = "é".repeat(500);
    assert_eq!(stage.say(&text).await.state(), DeliveryState::Sent);
    assert_eq!(never(&stage.say(&format!("{text}.")).await), "graph_100");
    let limit = stage.host.attached().await.capabilities.unwrap();
    assert_eq!((limit.text_limit, limit.text_unit().as_str_name()), (1_000, "TEXT_UNIT_BYTES"));
}

#[tokio::test]
async fn a_day_after_the_customer_wrote_only_a_person_with_the_feature_may_answer() {
    let stage = Stage::with(|settings| settings.accounts[0].human_agent = true).await;
    assert_eq!(stage.say_after(DAY - HOUR, Voice::Ai).await.state(), DeliveryState::Sent);
    assert_eq!(stage.instagram.sent().pop().unwrap().body.get("tag"), None);
    assert_eq!(stage.say_after(DAY + HOUR, Voice::Support).await.state(), DeliveryState::Sent);
    let tagged = stage.instagram.sent().pop().unwrap().body;
    assert_eq!((&tagged["messaging_type"], &tagged["tag"]), (&json!("MESSAGE_TAG"), &json!("HUMAN_AGENT")));
    let asked = stage.instagram.requests().len();
    for (ago, voice) in
        [(DAY + HOUR, Voice::Ai), (DAY + HOUR, Voice::Marketing), (7 * DAY + HOUR, Voice::Support)]
    {
        let report = stage.say_after(ago, voice).await;
        assert_eq!(never(&report), "outside_window");
        assert!(report.text.contains("when the customer writes again"), "{report:?}");
    }
    assert_eq!(stage.instagram.requests().len(), asked, "Instagram need not be asked");
}

#[tokio::test]
async fn without_the_feature_nobody_may_answer_after_a_day_and_is_told_what_to_do() {
    let stage = Stage::start().await;
    let report = stage.say_after(DAY + HOUR, Voice::Support).await;
    assert_eq!(never(&report), "outside_window");
    assert!(report.text.contains("set human_agent"), "{report:?}");
}

#[tokio::test]
async fn instagram_knows_the_window_better() {
    let stage = Stage::start().await;
    // The host does not say when the customer last wrote.
    stage.peter_wrote(DAY + HOUR);
    let report = stage.say("Hello").await;
    assert_eq!(never(&report), "outside_window");
    assert!(report.text.contains("outside of allowed window"), "{report:?}");
}

#[tokio::test]
async fn what_will_never_arrive_is_given_up() {
    let stage = talking().await;
    for (refusal, code) in [
        (Refusal::unavailable(), "unavailable"),
        (Refusal::no_consent(), "unavailable"),
        (Refusal::parameter("Incorrect attachment"), "graph_100"),
        (Refusal::new(403, 200, 0, "(#200) Permissions error"), "graph_200"),
    ] {
        stage.instagram.fail_next(Failure::Refusal(refusal));
        assert_eq!(never(&stage.say("Hello").await), code);
    }
    stage.instagram.fail_next(Failure::Status(404));
    assert_eq!(never(&stage.say("Hello").await), "http_404");
    let nobody = Delivery { customer_id: "404".to_owned(), ..to_peter("Hello") };
    assert_eq!(never(&stage.host.deliver(nobody).await), "unavailable");
    let elsewhere = Delivery { account: "gone".to_owned(), ..to_peter("Hello") };
    assert_eq!(never(&stage.host.deliver(elsewhere).await), "unknown_account");
}

#[tokio::test]
async fn what_may_arrive_later_is_tried_later() {
    let stage = talking().await;
    stage.instagram.fail_next(Failure::Refusal(Refusal::temporary()));
    assert_eq!(later(&stage.say("Hello").await), ("graph_2", 0, false));
    stage.instagram.fail_next(Failure::Status(502));
    assert_eq!(later(&stage.say("Hello").await), ("http_502", 0, false));
    assert_eq!(stage.say("Hello").await.state(), DeliveryState::Sent);
}

#[tokio::test]
async fn nothing_was_sent_to_whom_there_was_no_connection() {
    let stage = Stage::with(|settings| settings.api = "http://127.0.0.1:9".to_owned()).await;
    assert_eq!(later(&stage.say("Hello").await), ("unreachable", 0, false));
}

#[tokio::test]
async fn what_got_no_answer_may_have_arrived() {
    let stage = Stage::with(|settings| settings.request_timeout = Duration::from_millis(300)).await;
    stage.peter_wrote(Duration::ZERO);
    for failure in [Failure::SendAndHang, Failure::SendAndClose, Failure::Hang, Failure::Close] {
        stage.instagram.fail_next(failure);
        let report = stage.say("Hello").await;
        assert_eq!((report.state(), report.code.as_str()), (DeliveryState::Uncertain, "no_answer"));
    }
    assert_eq!(stage.instagram.sent().len(), 2);
}

#[tokio::test]
async fn typing_is_shown() {
    let stage = Stage::start().await;
    for is_on in [true, false] {
        let typing = Typing { account: "shop".to_owned(), customer_id: PETER.to_owned(), is_typing: is_on };
        stage.host.typing(typing).await;
        let is_shown = || stage.instagram.typing().last().is_some_and(|shown| shown.is_on == is_on);
        until("typing is shown", is_shown).await;
    }
    let shown = |is_on| stand_in::Typing { account: SHOP.to_owned(), customer: PETER.to_owned(), is_on };
    assert_eq!(stage.instagram.typing(), [shown(true), shown(false)]);
}
