//! What support does, as customers see it.

use std::time::{Duration, Instant};

use causeway_plugin_sdk::proto::plugin::{
    DeleteDelivery, DeliveryReport, DeliveryState, EditDelivery, Typing, delivery::Body,
};

use crate::{
    stage::{SUPPORT, Stage, delivery, file_body, pace, sent, text_body},
    telegram::{Failure, Person},
    until::until,
};

fn edit(message_id: &str, text: &str) -> Body {
    Body::Edit(EditDelivery { message_id: message_id.to_owned(), text: text.to_owned() })
}

fn delete(message_id: &str) -> Body {
    Body::Delete(DeleteDelivery { message_id: message_id.to_owned() })
}

/// That it will never arrive; why, in a word.
#[track_caller]
fn never(report: &DeliveryReport) -> &str {
    assert_eq!((report.state(), report.permanent), (DeliveryState::Failed, true), "{report:?}");
    &report.code
}

/// That it may arrive later.
#[track_caller]
fn later(report: &DeliveryReport) -> (&str, Duration, bool) {
    assert_eq!((report.state(), report.permanent), (DeliveryState::Failed, false), "{report:?}");
    (&report.code, Duration::from_millis(report.retry_after_ms.into()), report.pause_account)
}

#[tokio::test]
async fn a_text_and_a_reply_arrive() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    let first = sent(&stage.send(&anna, "Hello, Anna 👋").await);
    let second = sent(&stage.deliver(&anna, text_body("More", &first)).await);
    sent(&stage.deliver(&anna, text_body("To what is gone", "4711")).await);
    let sent = stage.bot.sent();
    assert_eq!((sent[0].text.as_str(), sent[0].chat_id), ("Hello, Anna 👋", 77));
    assert_eq!((sent[0].message_id.to_string(), sent[1].message_id.to_string()), (first.clone(), second));
    assert_eq!((sent[1].reply_to.map(|id| id.to_string()), sent[2].reply_to), (Some(first), None));
}

#[tokio::test]
async fn files_are_fetched_by_telegram_or_sent_as_links() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    for (kind, url, method) in [
        ("image", "https://files.example/a.jpg", "sendPhoto"),
        ("video", "https://files.example/a.mp4", "sendVideo"),
        ("audio", "https://files.example/a.mp3", "sendAudio"),
        ("file", "https://files.example/a.pdf", "sendDocument"),
    ] {
        sent(&stage.deliver(&anna, file_body(kind, url, "A")).await);
        let last = stage.bot.sent().pop().unwrap();
        assert_eq!((last.method.as_str(), last.file.as_deref()), (method, Some(url)));
    }
    // Telegram fetches no such documents.
    sent(&stage.deliver(&anna, file_body("file", "https://files.example/a.docx", "Offer.docx")).await);
    let last = stage.bot.sent().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.text.as_str()),
        ("sendMessage", "Offer.docx\nhttps://files.example/a.docx")
    );
}

#[tokio::test]
async fn a_message_is_changed_and_taken_back_however_often() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    let id = sent(&stage.send(&anna, "Helo").await);
    for _ in 0..2 {
        assert_eq!(sent(&stage.deliver(&anna, edit(&id, "Hello")).await), id);
    }
    assert_eq!((stage.bot.sent()[0].text.as_str(), stage.bot.sent()[0].is_edited), ("Hello", true));
    for _ in 0..2 {
        sent(&stage.deliver(&anna, delete(&id)).await);
    }
    assert!(stage.bot.sent()[0].is_deleted);
    assert_eq!(never(&stage.deliver(&anna, edit(&id, "Too late")).await), "message_not_found");
    assert_eq!(never(&stage.deliver(&anna, edit("seven", "?")).await), "bad_message_id");
}

#[tokio::test]
async fn what_cannot_arrive_says_why() {
    let stage = Stage::start().await;
    let [anna, bo] = [stage.customer(77, "Anna").await, stage.customer(78, "Bo").await];
    stage.bot.block(anna.id);
    stage.bot.deactivate(bo.id);
    assert_eq!(never(&stage.send(&anna, "Hello?").await), "blocked");
    assert_eq!(never(&stage.send(&bo, "Hello?").await), "deactivated");
    assert_eq!(never(&stage.send(&Person::new(404, "Nobody"), "Hello?").await), "chat_not_found");
    let cleo = stage.customer(79, "Cleo").await;
    assert_eq!(never(&stage.send(&cleo, "").await), "bad_request");
    assert_eq!(never(&stage.send(&cleo, &"x".repeat(4097)).await), "too_long");
    let elsewhere = stage.host.deliver(delivery("no_bot", &cleo, text_body("Hello", ""))).await;
    assert_eq!(never(&elsewhere), "unknown_account");
    assert_eq!(stage.bot.sent(), []);
    assert_eq!(stage.bot.calls("sendMessage"), 5, "each was tried once");
}

#[tokio::test]
async fn telegrams_wait_is_kept_by_all_of_the_account() {
    let stage = Stage::start().await;
    let [anna, bo] = [stage.customer(77, "Anna").await, stage.customer(78, "Bo").await];
    stage.bot.fail_next(1, Failure::Status(429, Some(2)));
    assert_eq!(later(&stage.send(&anna, "Hello").await), ("too_many_requests", Duration::from_secs(2), true));
    let report = stage.send(&bo, "Hello").await;
    let (code, wait, is_account_wide) = later(&report);
    assert!(code == "too_many_requests" && is_account_wide);
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(2), "{wait:?}");
    assert_eq!(stage.bot.calls("sendMessage"), 1, "nothing is asked of Telegram meanwhile");
    // It is told in whole milliseconds.
    tokio::time::sleep(wait + Duration::from_millis(1)).await;
    sent(&stage.send(&bo, "Hello").await);
}

#[tokio::test]
async fn what_is_not_known_to_have_arrived_is_uncertain() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    for failure in [Failure::Hang, Failure::CloseAfterReceiving] {
        stage.bot.fail_next(1, failure);
        let report = stage.send(&anna, "Did it arrive?").await;
        assert_eq!(
            (report.state(), report.code.as_str()),
            (DeliveryState::Uncertain, "no_answer"),
            "{failure:?}"
        );
    }
    assert_eq!(stage.bot.sent_count(), 2, "it did, each time");
}

#[tokio::test]
async fn what_surely_did_not_arrive_is_tried_later() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    for failure in [Failure::Status(500, None), Failure::BadGateway] {
        stage.bot.fail_next(1, failure);
        assert_eq!(later(&stage.send(&anna, "Hello").await), ("unavailable", Duration::ZERO, false));
    }
    let away = Stage::with(|settings| settings.api = "http://127.0.0.1:9".into()).await;
    assert_eq!(later(&away.send(&anna, "Hello").await), ("unreachable", Duration::ZERO, false));
}

#[tokio::test]
async fn the_pace_is_kept_so_that_telegram_need_not_complain() {
    let stage = Stage::with(|settings| settings.pace = pace(50, 10)).await;
    stage.works(SUPPORT).await;
    stage.bot.limit_rate(60);
    let people: Vec<Person> = (1..=10).map(|id| Person::new(id, "Somebody")).collect();
    people.iter().for_each(|person| stage.bot.knows(person));
    let start = Instant::now();
    let each = people.iter().map(|person| async {
        for number in 0..10 {
            sent(&stage.send(person, &number.to_string()).await);
        }
    });
    futures_util::future::join_all(each).await;
    assert!(start.elapsed() >= Duration::from_millis(1950), "{:?}", start.elapsed());
    assert_eq!((stage.bot.sent_count(), stage.bot.too_fast()), (100, 0));
}

#[tokio::test]
async fn typing_is_shown_and_not_more_often_than_it_lasts() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    for is_typing in [true, true, false, true] {
        let customer_id = anna.id.to_string();
        stage.host.typing(Typing { account: SUPPORT.into(), customer_id, is_typing }).await;
    }
    sent(&stage.send(&anna, "Hello").await);
    until("typing is shown", || !stage.bot.actions().is_empty()).await;
    // Whatever else were to be shown would be by now.
    sent(&stage.send(&anna, "Hello again").await);
    assert_eq!(stage.bot.actions(), [(77, "typing".to_owned())]);
}
