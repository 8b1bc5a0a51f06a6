//! What customers write, and what was written to them elsewhere.

use std::time::Duration;

use causeway_kit::plugin_host::Verdict;
use causeway_proto::{
    chat::{
        Author, ConversationStatus, DeliveryStatus, PutUserRequest, RegisterUserRequest,
        UpdateConversationRequest, User,
    },
    event::event,
    plugin::{Answer, Customer, CustomerMessage, File, InboundEvent, Notice, inbound_event::Body},
    time,
};

use super::stage::{ACCOUNT, NOON, Stage, john, own, wrote};
use crate::{
    channel::customers::{self, Channel},
    overview::Update,
    profiles::Registration,
};

async fn channel(stage: &Stage, conversation: &str) -> Channel {
    let id = conversation.to_owned();
    stage.read(move |reader| customers::of_conversation(reader, &id)).await.unwrap()
}

#[tokio::test]
async fn a_first_message_makes_customer_and_conversation() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let message = stage.newest(&conversation).await;
    let sender = message.sender.clone().unwrap();
    assert_eq!((message.author(), message.content.as_str()), (Author::Customer, "help"));
    assert_eq!((sender.source.as_str(), sender.display_name().as_str()), ("telegram", "John Doe"));
    assert_eq!(sender.id, "9000000000000001", "every frontend prints it as a number");
    assert_eq!(message.delivery_status(), DeliveryStatus::Unspecified);
    for helper in ["user/ann", "user/ben"] {
        let events = stage.events(helper).await;
        let [.., event::Body::ConversationJoined(joined), event::Body::CustomerMessageCreated(told)] =
            events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert_eq!(joined.conversation.clone().unwrap().id, conversation);
        let shown = told.conversation.clone().unwrap();
        assert_eq!((shown.title.as_str(), shown.unread_count), ("telegram - John Doe", 1));
        assert_eq!(
            (told.message.clone().unwrap(), shown.last_message.unwrap()),
            (message.clone(), message.clone())
        );
    }
}

#[tokio::test]
async fn a_number_that_a_user_has_is_passed_over() {
    let stage = Stage::new().await;
    let taken = PutUserRequest { id: "9000000000000001".into(), ..PutUserRequest::default() };
    stage.user(taken).await;
    let first = stage.john_writes("m1", "help").await;
    assert_eq!(stage.newest(&first).await.sender.unwrap().id, "9000000000000002");
    stage.push("instagram", Body::CustomerMessage(wrote("m1", "hi"))).await.unwrap();
    let second = stage.conversation("instagram").await;
    assert_eq!(stage.newest(&second).await.sender.unwrap().id, "9000000000000003");
}

#[tokio::test]
async fn the_same_message_under_another_event_is_a_duplicate() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let again = stage.push("telegram", Body::CustomerMessage(wrote("m1", "help"))).await;
    assert_eq!(again.unwrap(), Verdict::Duplicate);
    assert_eq!(stage.messages(&conversation).await.len(), 1);
}

#[tokio::test]
async fn names_follow_the_provider_and_are_told_when_they_change() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let customer = channel(&stage, &conversation).await.user_id;
    let before = stage.events(&format!("user/{customer}")).await.len();
    stage.john_writes("m2", "please").await;
    assert_eq!(stage.events(&format!("user/{customer}")).await.len(), before, "nothing changed");
    let renamed = Customer {
        first_name: "Jack".into(),
        last_name: String::new(),
        profile_picture: "http://not.shown/x".into(),
        ..john()
    };
    let body = CustomerMessage { customer: Some(renamed), ..wrote("m3", "it is me") };
    stage.push("telegram", Body::CustomerMessage(body)).await.unwrap();
    let sender = stage.newest(&conversation).await.sender.unwrap();
    assert_eq!((sender.display_name().as_str(), sender.profile_picture.as_str()), ("Jack Doe", ""));
    let events = stage.events(&format!("user/{customer}")).await;
    assert!(matches!(events.last(), Some(event::Body::UserUpdated(_))));
    assert_eq!(events.len(), before + 1);
}

#[tokio::test]
async fn a_closed_conversation_opens_again() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let close = UpdateConversationRequest {
        conversation_id: conversation.clone(),
        status: ConversationStatus::Closed.into(),
        ..UpdateConversationRequest::default()
    };
    let close = Update::read(close).unwrap();
    stage.write(|tx| close.run(tx)).await.unwrap();
    stage.john_writes("m2", "one more thing").await;
    let events = stage.events("user/ann").await;
    let Some(event::Body::CustomerMessageCreated(told)) = events.last() else { panic!("another") };
    let shown = told.conversation.clone().unwrap();
    assert_eq!((shown.status(), shown.unread_count), (ConversationStatus::Active, 2));
}

#[tokio::test]
async fn an_answer_names_the_message_when_it_is_known() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    for (id, reply_to) in [("m2", "m1"), ("m3", "lost")] {
        let body = CustomerMessage { reply_to: reply_to.into(), ..wrote(id, "that") };
        stage.push("telegram", Body::CustomerMessage(body)).await.unwrap();
    }
    let messages = stage.messages(&conversation).await;
    assert_eq!((messages[1].reply_to, messages[2].reply_to), (Some(messages[0].id), None));
}

#[tokio::test]
async fn files_are_attachments_and_say_what_the_message_is() {
    let stage = Stage::new().await;
    let photo = |url: &str| File { url: url.into(), kind: "image".into(), ..File::default() };
    let body = CustomerMessage {
        files: vec![photo("https://example.com/1.jpg"), photo("file:///etc/passwd")],
        ..wrote("m1", "")
    };
    stage.push("telegram", Body::CustomerMessage(body)).await.unwrap();
    let message = stage.newest(&stage.conversation("telegram").await).await;
    assert_eq!((message.content_type.as_str(), message.attachments.len()), ("image", 1));
    assert_eq!(message.metadata, r#"{"files_left_out":1}"#);
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused_and_leaves_nothing() {
    let stage = Stage::new().await;
    let nobody = Customer { id: String::new(), ..john() };
    for wrong in [
        wrote("m1", &"x".repeat(16_385)),
        wrote("m1", ""),
        wrote("", "hi"),
        wrote(&"x".repeat(257), "hi"),
        CustomerMessage { customer: None, ..wrote("m1", "hi") },
        CustomerMessage { customer: Some(nobody), ..wrote("m1", "hi") },
        CustomerMessage { metadata: "{".into(), ..wrote("m1", "hi") },
    ] {
        assert!(stage.push("telegram", Body::CustomerMessage(wrong)).await.is_err());
    }
    let count =
        stage.read(|reader| reader.one("SELECT count(*) FROM channel_customer", [], |row| row.get(0)));
    assert_eq!(count.await, Some(0));
}

#[tokio::test]
async fn nobody_connects_as_a_customer_of_a_channel() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let id = channel(&stage, &conversation).await.user_id;
    let register = |id: &str| {
        let user = User { id: id.to_owned(), ..User::default() };
        Registration::read(RegisterUserRequest { user: Some(user) }, false).unwrap()
    };
    let (looked, written) = (register(&id), register(&id));
    assert!(stage.store.read(move |reader| looked.settled(reader)).await.is_err());
    assert!(stage.write(move |tx| written.run(tx)).await.is_err());
    let ann = register("ann");
    assert!(stage.write(move |tx| ann.run(tx)).await.is_ok());
}

#[tokio::test]
async fn when_the_customer_wrote_is_the_providers_word() {
    let stage = Stage::new().await;
    let at = |micros: i64, id: &str| InboundEvent {
        account: ACCOUNT.into(),
        time: Some(time::from_micros(micros)),
        body: Some(Body::CustomerMessage(wrote(id, "hi"))),
        ..InboundEvent::default()
    };
    stage.push_event("telegram", at(NOON - 5_000_000, "m2")).await.unwrap();
    let conversation = stage.conversation("telegram").await;
    assert_eq!(channel(&stage, &conversation).await.wrote_at, Some(NOON - 5_000_000));
    stage.push_event("telegram", at(NOON - 9_000_000, "m1")).await.unwrap();
    assert_eq!(channel(&stage, &conversation).await.wrote_at, Some(NOON - 5_000_000), "it came late");
    stage.push_event("telegram", at(NOON + 9_000_000, "m3")).await.unwrap();
    assert_eq!(channel(&stage, &conversation).await.wrote_at, Some(NOON), "a clock that goes ahead");
}

#[tokio::test]
async fn a_message_sent_elsewhere_appears_as_ours_once() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    for expected in [Verdict::Accepted, Verdict::Duplicate] {
        let verdict = stage.push("telegram", Body::OwnMessage(own("o1", "on my way"))).await;
        assert_eq!(verdict.unwrap(), expected);
    }
    let messages = stage.messages(&conversation).await;
    let sender = messages[1].sender.clone().unwrap();
    assert_eq!((sender.id.as_str(), sender.name.as_str()), ("telegram:support_bot", "support_bot"));
    assert_eq!(
        (messages[1].author(), messages[1].delivery_status()),
        (Author::Support, DeliveryStatus::Sent)
    );
    assert!(messages[0].is_answered);
    assert!(stage.owed("telegram").await.is_empty(), "the customer has it");
    let Some(event::Body::MessageCreated(told)) =
        stage.events(&format!("conversation/{conversation}")).await.pop()
    else {
        panic!("another")
    };
    assert_eq!(told.message.unwrap().id, messages[1].id);
}

#[tokio::test]
async fn a_message_sent_elsewhere_to_a_stranger_makes_the_conversation() {
    let stage = Stage::new().await;
    let verdict = stage.push("telegram", Body::OwnMessage(own("o1", "hello"))).await;
    assert_eq!(verdict.unwrap(), Verdict::Accepted);
    let conversation = stage.conversation("telegram").await;
    assert_eq!(channel(&stage, &conversation).await.wrote_at, None);
    assert!(matches!(stage.events("user/ann").await.last(), Some(event::Body::ConversationJoined(_))));
}

#[tokio::test]
async fn an_account_may_be_called_what_no_user_may() {
    let stage = Stage::new().await;
    let event = InboundEvent {
        account: "a/b".into(),
        body: Some(Body::OwnMessage(own("o1", "hello"))),
        ..InboundEvent::default()
    };
    assert_eq!(stage.push_event("telegram", event).await.unwrap(), Verdict::Accepted);
}

#[tokio::test]
async fn what_may_be_in_the_plugins_hand_is_asked_about_again() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    stage.say("ann", &conversation, "yes?").await;
    let owed = stage.owed("telegram").await.remove(0);
    stage.take_in_hand(&owed).await;
    let echo = || stage.push("telegram", Body::OwnMessage(own("p1", "yes?")));
    assert_eq!(echo().await.unwrap(), Verdict::NotYet(Duration::from_millis(500)));
    stage.sent(&owed, "p1").await;
    assert_eq!(echo().await.unwrap(), Verdict::Duplicate);
    assert_eq!(stage.messages(&conversation).await.len(), 2);
}

#[tokio::test]
async fn each_kind_of_plugin_says_what_is_its_own() {
    let stage = Stage::new().await;
    stage.john_writes("m1", "help").await;
    let notice = || Body::Notice(Notice::default());
    assert!(stage.push("telegram", notice()).await.is_err());
    assert!(stage.push("bot", notice()).await.is_err());
    assert!(stage.push("bot", Body::CustomerMessage(wrote("m2", "hi"))).await.is_err());
    assert!(stage.push("telegram", Body::Answer(Answer::default())).await.is_err());
}

#[tokio::test]
async fn customers_of_two_channels_are_two() {
    let stage = Stage::new().await;
    let first = stage.john_writes("m1", "help").await;
    stage.push("instagram", Body::CustomerMessage(wrote("m1", "help"))).await.unwrap();
    let second = stage.conversation("instagram").await;
    assert_ne!(first, second);
    assert_eq!(stage.newest(&second).await.sender.unwrap().source, "instagram");
}
