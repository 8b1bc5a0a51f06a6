//! Messages of ours on their way to a customer.

use std::time::Duration;

use causeway_kit::{
    plugin_host::{Owed, Prepared, Progress},
    store::Tx,
};
use causeway_proto::{
    chat::{
        Attachment, DeleteMessageRequest, DeliveryStatus, EditMessageRequest, Message, SendMessageRequest,
    },
    event::event,
    id::Given,
    plugin::{Capabilities, Delivery, DeliveryState, Voice, delivery::Body},
    time,
};

use super::stage::{ACCOUNT, NOON, Stage, able};
use crate::{
    channel::typing,
    edits::{Delete, Edit},
};

async fn edit(stage: &Stage, message: &Message, content: &str) {
    let request = EditMessageRequest {
        message_id: message.id,
        conversation_id: message.conversation_id.clone(),
        user_id: message.sender.clone().unwrap().id,
        content: content.to_owned(),
    };
    let edit = Edit::read(request).unwrap();
    stage.write(|tx| edit.run(tx)).await.unwrap();
}

async fn delete(stage: &Stage, message: &Message) {
    let request = DeleteMessageRequest {
        message_id: message.id,
        conversation_id: message.conversation_id.clone(),
        user_id: message.sender.clone().unwrap().id,
    };
    let delete = Delete::read(request).unwrap();
    stage.write(|tx| delete.run(tx)).await.unwrap();
}

async fn last_owed(stage: &Stage) -> Owed {
    stage.owed("telegram").await.pop().unwrap()
}

/// A conversation with a message of ann's, which is owed.
async fn answered(stage: &Stage, content: &str) -> (Message, Owed) {
    let conversation = stage.john_writes("m1", "help").await;
    let message = stage.say("ann", &conversation, content).await;
    (message, last_owed(stage).await)
}

/// What the newest event on the conversation says of a delivery: status and error.
async fn told(stage: &Stage, conversation: &str) -> (DeliveryStatus, String) {
    match stage.events(&format!("conversation/{conversation}")).await.pop() {
        Some(event::Body::DeliveryStatusChanged(told)) => (told.status(), told.error),
        other => panic!("another: {other:?}"),
    }
}

fn sent(id: &str, is_last: bool) -> Progress {
    Progress::Sent { provider_message_id: id.to_owned(), is_last }
}

fn part(owed: &Owed, part: u32) -> Owed {
    Owed { part, ..owed.clone() }
}

fn text(delivery: Delivery) -> (String, String) {
    match delivery.body {
        Some(Body::Text(text)) => (text.text, text.reply_to),
        other => panic!("another: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_owed_to_the_customers_channel() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "yes?").await;
    assert_eq!(message.delivery_status(), DeliveryStatus::Pending);
    assert_eq!(owed.key, message.conversation_id, "which keeps the order");
    let (delivery, parts) = stage.delivery(&owed, able()).await;
    assert_eq!((delivery.account.as_str(), delivery.customer_id.as_str(), parts), (ACCOUNT, "77", 1));
    assert_eq!(delivery.customer_wrote_at, Some(time::from_micros(NOON)));
    let Some(Body::Text(body)) = delivery.body else { panic!("another") };
    assert_eq!((body.text.as_str(), body.voice()), ("yes?", Voice::Support));
    stage.sent(&owed, "p1").await;
    assert_eq!(told(&stage, &message.conversation_id).await, (DeliveryStatus::Sent, String::new()));
}

#[tokio::test]
async fn long_texts_and_files_go_out_in_parts() {
    let stage = Stage::new().await;
    let conversation_id = stage.john_writes("m1", "help").await;
    let reply_to = Some(stage.newest(&conversation_id).await.id);
    let attachment = Attachment {
        url: "https://example.com/1.png".into(),
        mime_type: "image/png".into(),
        ..Attachment::default()
    };
    let request = SendMessageRequest {
        conversation_id: conversation_id.clone(),
        sender_id: "ann".into(),
        content: "one two three four five six".into(),
        attachments: vec![attachment],
        reply_to,
        ..SendMessageRequest::default()
    };
    let message = stage.send(request).await;
    let owed = last_owed(&stage).await;
    let first = stage.delivery(&owed, able()).await;
    assert_eq!((text(first.0), first.1), (("one two three four ".into(), "m1".into()), 3));
    stage.note(&owed, sent("p1", false)).await;
    assert_eq!(stage.newest(&conversation_id).await.delivery_status(), DeliveryStatus::Pending);
    let (second, _) = stage.delivery(&part(&owed, 1), able()).await;
    assert_eq!(text(second), ("five six".into(), String::new()), "the first part says what it answers");
    stage.note(&part(&owed, 1), sent("p2", false)).await;
    let (third, _) = stage.delivery(&part(&owed, 2), able()).await;
    assert!(matches!(third.body, Some(Body::File(_))));
    stage.note(&part(&owed, 2), sent("", true)).await;
    assert_eq!(stage.newest(&conversation_id).await.delivery_status(), DeliveryStatus::Sent);

    edit(&stage, &message, "short").await;
    let Prepared::Impossible { code, .. } = stage.prepare(&last_owed(&stage).await, able()).await else {
        panic!("a text in two parts was edited")
    };
    assert_eq!(code, "in-parts");
    delete(&stage, &message).await;
    let owed = last_owed(&stage).await;
    for (at, id) in [(0, "p1"), (1, "p2")] {
        let (delivery, parts) = stage.delivery(&part(&owed, at), able()).await;
        let Some(Body::Delete(body)) = delivery.body else { panic!("another") };
        assert_eq!((body.message_id.as_str(), parts), (id, 2), "those that have an id");
    }
}

#[tokio::test]
async fn an_edit_follows_a_message_that_went_out() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "yse?").await;
    stage.sent(&owed, "p1").await;
    for content in ["yes", "yes?"] {
        stage.pass(Duration::from_secs(1));
        edit(&stage, &message, content).await;
    }
    let owed = stage.owed("telegram").await;
    assert_eq!(stage.prepare(&owed[0], able()).await, Prepared::Nothing, "there is a later one");
    let (delivery, _) = stage.delivery(&owed[1], able()).await;
    let Some(Body::Edit(body)) = delivery.body else { panic!("another") };
    assert_eq!((body.message_id.as_str(), body.text.as_str()), ("p1", "yes?"));
    let unable = Capabilities { can_edit: false, ..able() };
    assert_eq!(stage.prepare(&owed[1], unable).await, Prepared::Nothing);
    stage.note(&owed[1], sent("", true)).await;
    let given_up = Progress::GivenUp { code: "x".into(), text: "y".into() };
    stage.note(&owed[1], given_up).await;
    assert_eq!(stage.newest(&message.conversation_id).await.delivery_status(), DeliveryStatus::Sent);

    edit(&stage, &message, "this is longer than the provider takes").await;
    let prepared = stage.prepare(&last_owed(&stage).await, able()).await;
    assert!(matches!(prepared, Prepared::Impossible { code, .. } if code == "too-long"));
}

#[tokio::test]
async fn an_edit_of_what_waits_changes_what_goes_out() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "yse?").await;
    edit(&stage, &message, "yes?").await;
    assert_eq!(stage.owed("telegram").await.len(), 1);
    assert_eq!(text(stage.delivery(&owed, able()).await.0).0, "yes?");
    stage.take_in_hand(&owed).await;
    edit(&stage, &message, "yes!").await;
    assert_eq!(stage.owed("telegram").await.len(), 2, "the plugin may have sent the text of before");
}

#[tokio::test]
async fn a_message_that_grows_shorter_between_its_parts_fails() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "one two three four five six").await;
    stage.note(&owed, sent("p1", false)).await;
    edit(&stage, &message, "one").await;
    let prepared = stage.prepare(&part(&owed, 1), able()).await;
    assert!(matches!(prepared, Prepared::Impossible { code, .. } if code == "edited"));
}

#[tokio::test]
async fn what_is_deleted_before_it_went_out_does_not() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "oops").await;
    delete(&stage, &message).await;
    assert_eq!(stage.prepare(&owed, able()).await, Prepared::Nothing);
    assert_eq!(stage.owed("telegram").await.len(), 1, "nothing is to be taken back");
    let status = stage.newest(&message.conversation_id).await.delivery_status();
    assert_eq!(status, DeliveryStatus::Unspecified, "it waits for nothing");
}

#[tokio::test]
async fn what_is_deleted_after_it_went_out_is_taken_back() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "oops").await;
    stage.sent(&owed, "p1").await;
    delete(&stage, &message).await;
    let owed = last_owed(&stage).await;
    assert!(matches!(stage.delivery(&owed, able()).await.0.body, Some(Body::Delete(_))));
    let unable = Capabilities { can_delete: false, ..able() };
    assert_eq!(stage.prepare(&owed, unable).await, Prepared::Nothing);
}

#[tokio::test]
async fn what_customers_change_themselves_is_owed_to_nobody() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let message = stage.newest(&conversation).await;
    edit(&stage, &message, "please").await;
    delete(&stage, &message).await;
    assert!(stage.owed("telegram").await.is_empty());
}

#[tokio::test]
async fn a_failure_is_shown_and_may_be_tried_again() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "yes?").await;
    stage.note(&owed, Progress::GivenUp { code: "blocked".into(), text: "by the user".into() }).await;
    let conversation = &message.conversation_id;
    assert_eq!(told(&stage, conversation).await, (DeliveryStatus::Failed, "blocked: by the user".into()));
    stage.note(&owed, Progress::Replayed).await;
    assert_eq!(told(&stage, conversation).await, (DeliveryStatus::Pending, String::new()));
    stage.note(&owed, sent("p1", true)).await;
    stage.note(&owed, Progress::Replayed).await;
    assert_eq!(told(&stage, conversation).await, (DeliveryStatus::Sent, String::new()), "only what failed");
}

#[tokio::test]
async fn doubt_stays_with_the_message() {
    let stage = Stage::new().await;
    let (message, owed) = answered(&stage, "yes?").await;
    stage.sent(&Owed { uncertain: true, ..owed.clone() }, "p1").await;
    let conversation = &message.conversation_id;
    let doubt = "uncertain: it may have arrived twice";
    assert_eq!(told(&stage, conversation).await, (DeliveryStatus::Sent, doubt.into()));
    stage.reached("instagram", owed.id, DeliveryState::Read).await;
    assert_eq!(told(&stage, conversation).await.0, DeliveryStatus::Sent, "another plugin's word");
    stage.reached("telegram", owed.id, DeliveryState::Read).await;
    assert_eq!(told(&stage, conversation).await, (DeliveryStatus::Read, doubt.into()));
    stage.reached("telegram", 4_711, DeliveryState::Read).await;
}

#[tokio::test]
async fn a_customer_without_a_plugin_is_owed_nothing() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let forget = |tx: &mut Tx<'_>| tx.execute("DELETE FROM channel_customer", []);
    stage.write(forget).await.unwrap();
    let message = stage.say("ann", &conversation, "yes?").await;
    assert_eq!(message.delivery_status(), DeliveryStatus::Pending, "a backend says how far it got");
    assert!(stage.owed("telegram").await.is_empty());
}

#[tokio::test]
async fn typing_is_shown_where_the_customer_is() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let find = |user: &str| {
        let (conversation, user) =
            (Given::Canonical(conversation.clone()), Given::Canonical(user.to_owned()));
        stage.store.read(move |reader| typing::find(reader, &conversation, &user))
    };
    let channel = find("ann").await.unwrap().unwrap();
    assert_eq!(
        (channel.plugin.as_str(), channel.account.as_str(), channel.customer_ref.as_str()),
        ("telegram", ACCOUNT, "77")
    );
    assert_eq!(find("9000000000000001").await.unwrap(), None, "the customer sees that already");
    assert!(find("zoe").await.is_err());
}
