//! Edits, deletions, reactions and receipts of the provider's.

use std::time::Duration;

use causeway_kit::plugin_host::Verdict;
use causeway_proto::{
    chat::{AddParticipantsRequest, DeliveryStatus, GetConversationRequest, MarkReadRequest, PutUserRequest},
    event::event,
    plugin::{
        DeliveryState, MessageDeletion, MessageEdit, MessageReaction, MessageReceipt, inbound_event::Body,
    },
    time,
};

use super::stage::{NOON, Stage, own, wrote};
use crate::{membership::Add, overview::Get, receipts::Reading, settings::Settings, unread};

fn edit(message_id: &str, text: &str) -> Body {
    let (customer_id, message_id) = ("77".to_owned(), message_id.to_owned());
    Body::MessageEdit(MessageEdit { customer_id, message_id, text: text.to_owned() })
}

fn deletion(message_id: &str) -> Body {
    Body::MessageDeletion(MessageDeletion { customer_id: "77".into(), message_id: message_id.to_owned() })
}

fn reaction(message_id: &str, added: bool) -> Body {
    let (customer_id, message_id) = ("77".to_owned(), message_id.to_owned());
    Body::MessageReaction(MessageReaction { customer_id, message_id, reaction: "❤".into(), added })
}

fn receipt(state: DeliveryState, ids: &[&str], through: Option<i64>) -> Body {
    Body::MessageReceipt(MessageReceipt {
        customer_id: "77".into(),
        state: state.into(),
        message_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        through: through.map(time::from_micros),
    })
}

fn is_ignored(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Ignored(_))
}

async fn unread(stage: &Stage, conversation: &str, user: &str) -> u32 {
    let request =
        GetConversationRequest { conversation_id: conversation.to_owned(), viewer_id: user.to_owned() };
    let get = Get::read(request).unwrap();
    stage.read(|reader| get.run(reader)).await.conversation.unwrap().unread_count
}

#[tokio::test]
async fn a_customer_edits_a_message() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "hepl").await;
    assert_eq!(stage.push("telegram", edit("m1", "help")).await.unwrap(), Verdict::Accepted);
    let message = stage.newest(&conversation).await;
    assert_eq!((message.content.as_str(), message.edited_at.is_some()), ("help", true));
    let events = stage.events(&format!("conversation/{conversation}")).await;
    assert!(matches!(events.last(), Some(event::Body::MessageEdited(_))));
    assert!(is_ignored(stage.push("telegram", edit("m1", "help")).await.unwrap()), "the same text");
    assert!(stage.push("telegram", edit("m1", "")).await.is_err());
    assert!(stage.owed("telegram").await.is_empty(), "the provider knows");
}

#[tokio::test]
async fn both_sides_take_messages_back() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "oops").await;
    stage.push("telegram", Body::OwnMessage(own("o1", "oops too"))).await.unwrap();
    for id in ["m1", "o1"] {
        assert_eq!(stage.push("telegram", deletion(id)).await.unwrap(), Verdict::Accepted);
        assert_eq!(stage.push("telegram", deletion(id)).await.unwrap(), Verdict::Duplicate);
    }
    let messages = stage.messages(&conversation).await;
    assert!(messages.iter().all(|message| message.deleted_at.is_some() && message.content.is_empty()));
    assert!(is_ignored(stage.push("telegram", edit("m1", "again")).await.unwrap()));
    assert!(is_ignored(stage.push("telegram", reaction("m1", true)).await.unwrap()));
    let by: Vec<String> = stage
        .events(&format!("conversation/{conversation}"))
        .await
        .into_iter()
        .filter_map(|body| match body {
            event::Body::MessageDeleted(told) => Some(told.user_id),
            _ => None,
        })
        .collect();
    assert_eq!(by, ["9000000000000001", "telegram:support_bot"]);
}

#[tokio::test]
async fn a_customer_reacts_and_takes_it_back() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    for (added, verdict) in
        [(true, Verdict::Accepted), (true, Verdict::Duplicate), (false, Verdict::Accepted)]
    {
        assert_eq!(stage.push("telegram", reaction("m1", added)).await.unwrap(), verdict);
    }
    let events = stage.events(&format!("conversation/{conversation}")).await;
    let Some(event::Body::ReactionChanged(told)) = events.last() else { panic!("another") };
    assert_eq!((told.reaction.as_str(), told.added), ("❤", false));
    assert!(is_ignored(stage.push("telegram", reaction("m9", true)).await.unwrap()));
}

#[tokio::test]
async fn what_overtakes_its_message_counts_when_that_comes() {
    let stage = Stage::new().await;
    for body in [edit("m1", "help"), deletion("m2"), edit("m2", "I never said it"), edit("o1", "We do")] {
        assert_eq!(stage.push("telegram", body).await.unwrap(), Verdict::Accepted);
    }
    let gone = stage.push("telegram", Body::CustomerMessage(wrote("m2", "secret"))).await.unwrap();
    assert!(is_ignored(gone), "it makes no customer either");
    let conversation = stage.john_writes("m1", "hepl").await;
    stage.push("telegram", Body::OwnMessage(own("o1", "We dont"))).await.unwrap();
    let texts: Vec<String> =
        stage.messages(&conversation).await.into_iter().map(|message| message.content).collect();
    assert_eq!(texts, ["help", "We do"]);
}

#[tokio::test]
async fn what_overtakes_is_not_kept_for_ever_and_not_without_end() {
    let stage = Stage::new().await;
    stage.push("telegram", edit("m1", "help")).await.unwrap();
    stage.pass(Duration::from_secs(25 * 60 * 60));
    for number in 0..100 {
        let early = edit(&format!("x{number}"), "x");
        assert_eq!(stage.push("telegram", early).await.unwrap(), Verdict::Accepted);
    }
    assert!(is_ignored(stage.push("telegram", edit("x100", "x")).await.unwrap()));
    let conversation = stage.john_writes("m1", "hepl").await;
    assert_eq!(stage.newest(&conversation).await.content, "hepl");
}

#[tokio::test]
async fn a_message_of_a_stranger_means_nothing() {
    let stage = Stage::new().await;
    let read = receipt(DeliveryState::Read, &["m1"], None);
    for body in [reaction("m1", true), read] {
        assert!(is_ignored(stage.push("telegram", body).await.unwrap()));
    }
}

/// What each participant has not read, as it is kept, and as it is when it is counted.
async fn kept_and_counted(stage: &Stage, conversation: &str) -> [Vec<(String, u32)>; 2] {
    let id = conversation.to_owned();
    let write = stage.write(move |tx| {
        let kept = unread::of_all(tx, &id)?;
        unread::forget(tx, &id)?;
        Ok([kept, unread::of_all(tx, &id)?])
    });
    write.await.unwrap()
}

#[tokio::test]
async fn what_is_kept_of_unread_messages_is_what_would_be_counted() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m0", "help").await;
    let join = AddParticipantsRequest {
        conversation_id: conversation.clone(),
        user_ids: vec!["zoe".into()],
        ..AddParticipantsRequest::default()
    };
    let add = Add::read(join).unwrap();
    stage.user(PutUserRequest { id: "zoe".into(), ..PutUserRequest::default() }).await;
    stage.write(|tx| add.run(tx, &Settings::default())).await.unwrap();
    for round in 1..=12 {
        stage.john_writes(&format!("m{round}"), "please").await;
        if round % 3 == 0 {
            stage.say(if round % 2 == 0 { "ann" } else { "zoe" }, &conversation, "yes?").await;
            stage.push("telegram", Body::OwnMessage(own(&format!("o{round}"), "no"))).await.unwrap();
        }
        if round % 4 == 0 {
            stage.push("telegram", deletion(&format!("m{}", round - 2))).await.unwrap();
            stage.john_writes(&format!("n{round}"), "hello?").await;
        }
        if round % 5 == 0 {
            let [kept, counted] = kept_and_counted(&stage, &conversation).await;
            assert_eq!(kept, counted, "after {round} rounds");
        }
    }
    let [kept, counted] = kept_and_counted(&stage, &conversation).await;
    assert_eq!(kept, counted);
    assert!(kept.iter().all(|(_, unread)| *unread > 10));
}

#[tokio::test]
async fn what_is_deleted_need_not_be_read() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "one").await;
    for id in ["m2", "m3"] {
        stage.push("telegram", Body::CustomerMessage(wrote(id, "more"))).await.unwrap();
    }
    assert_eq!(unread(&stage, &conversation, "ann").await, 3);
    stage.push("telegram", deletion("m2")).await.unwrap();
    assert_eq!(unread(&stage, &conversation, "ann").await, 2);
    let first = stage.messages(&conversation).await[0].id;
    let request = MarkReadRequest {
        conversation_id: conversation.clone(),
        user_id: "ann".into(),
        message_id: Some(first),
    };
    let reading = Reading::read(request).unwrap();
    stage.write(|tx| reading.run(tx)).await.unwrap();
    assert_eq!(
        (unread(&stage, &conversation, "ann").await, unread(&stage, &conversation, "ben").await),
        (1, 2)
    );
    stage.say("ann", &conversation, "yes?").await;
    stage.john_writes("m4", "hello").await;
    assert_eq!(
        (unread(&stage, &conversation, "ann").await, unread(&stage, &conversation, "ben").await),
        (2, 4)
    );
}

/// A conversation in which these messages of ours went out.
async fn answered(stage: &Stage, provider_ids: &[&str]) -> String {
    let conversation = stage.john_writes("m1", "help").await;
    for id in provider_ids {
        stage.pass(Duration::from_secs(1));
        stage.say("ann", &conversation, "yes?").await;
        let owed = stage.owed("telegram").await.pop().unwrap();
        stage.sent(&owed, id).await;
    }
    conversation
}

async fn statuses(stage: &Stage, conversation: &str) -> Vec<DeliveryStatus> {
    stage.messages(conversation).await.iter().skip(1).map(|message| message.delivery_status()).collect()
}

#[tokio::test]
async fn what_is_read_is_read_up_to_there_and_what_is_delivered_is_not() {
    use DeliveryStatus::{Delivered, Read, Sent};
    let stage = Stage::new().await;
    let conversation = answered(&stage, &["p1", "p2", "p3", "p4"]).await;
    let delivered = receipt(DeliveryState::Delivered, &["p3"], None);
    assert_eq!(stage.push("telegram", delivered).await.unwrap(), Verdict::Accepted);
    assert_eq!(statuses(&stage, &conversation).await, [Sent, Sent, Delivered, Sent]);
    stage.push("telegram", receipt(DeliveryState::Read, &["p3"], None)).await.unwrap();
    assert_eq!(statuses(&stage, &conversation).await, [Read, Read, Read, Sent]);
    let late = stage.push("telegram", receipt(DeliveryState::Delivered, &["p3", "m1"], None)).await;
    assert!(is_ignored(late.unwrap()), "a step back, and a message that is not ours");
    let events = stage.events(&format!("conversation/{conversation}")).await;
    let told = events.iter().filter(|body| matches!(body, event::Body::DeliveryStatusChanged(_))).count();
    assert_eq!(told, 4 + 1 + 3);
}

#[tokio::test]
async fn a_receipt_may_stand_for_all_up_to_a_time() {
    use DeliveryStatus::{Delivered, Read, Sent};
    let stage = Stage::new().await;
    let conversation = answered(&stage, &["p1", "p2", "p3"]).await;
    let second = NOON + 2_000_000;
    stage.push("telegram", receipt(DeliveryState::Delivered, &[], Some(second))).await.unwrap();
    assert_eq!(statuses(&stage, &conversation).await, [Delivered, Delivered, Sent]);
    stage.push("telegram", receipt(DeliveryState::Read, &[], Some(second - 1))).await.unwrap();
    assert_eq!(statuses(&stage, &conversation).await, [Read, Delivered, Sent]);
}

#[tokio::test]
async fn a_receipt_that_overtakes_the_report_waits_for_it() {
    let stage = Stage::new().await;
    let conversation = answered(&stage, &[]).await;
    stage.say("ann", &conversation, "yes?").await;
    let owed = stage.owed("telegram").await.pop().unwrap();
    stage.take_in_hand(&owed).await;
    let read = || stage.push("telegram", receipt(DeliveryState::Read, &["p1"], None));
    assert!(matches!(read().await.unwrap(), Verdict::NotYet(_)));
    stage.sent(&owed, "p1").await;
    assert_eq!(read().await.unwrap(), Verdict::Accepted);
    assert_eq!(statuses(&stage, &conversation).await, [DeliveryStatus::Read]);
}

#[tokio::test]
async fn a_receipt_says_no_more_than_it_may() {
    let stage = Stage::new().await;
    answered(&stage, &["p1"]).await;
    assert!(stage.push("telegram", receipt(DeliveryState::Sent, &["p1"], None)).await.is_err());
    assert!(stage.push("telegram", receipt(DeliveryState::Read, &["p1"; 101], None)).await.is_err());
}
