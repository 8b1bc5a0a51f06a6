//! Conversations with outside customers.

use causeway_chat::{Assignment, Settings};
use causeway_proto::{
    chat::{
        Author, Conversation, ConversationKind, ConversationStatus, CreateConversationRequest,
        DeliveryStatus, ListMessagesRequest, PutUserRequest, ReportDeliveryStatusRequest, SendMessageRequest,
        UpdateConversationRequest,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, strings, text};

fn support() -> CreateConversationRequest {
    CreateConversationRequest {
        id: "case".into(),
        kind: ConversationKind::Support.into(),
        customer_id: "john".into(),
        priority: 3,
        ..CreateConversationRequest::default()
    }
}

/// Helpers ann and ben, and John Doe who writes from Telegram.
async fn helpdesk(settings: Settings) -> (Stage, Conversation) {
    let stage = Stage::with(settings).await;
    let john = PutUserRequest {
        id: "john".into(),
        first_name: Some("John".into()),
        last_name: Some("Doe".into()),
        source: Some("telegram".into()),
        ..PutUserRequest::default()
    };
    stage.directory().put_user(john).await.unwrap();
    for id in ["ann", "ben"] {
        let helper = PutUserRequest {
            id: id.into(),
            add_audiences: strings(&["helpdesk"]),
            ..PutUserRequest::default()
        };
        stage.directory().put_user(helper).await.unwrap();
    }
    stage.users(&["zoe"]).await;
    let case = stage.create(support()).await;
    (stage, case)
}

fn participants(conversation: &Conversation) -> Vec<String> {
    conversation.participants.iter().map(|it| it.user.clone().unwrap().id).collect()
}

#[tokio::test]
async fn the_audience_joins_a_new_conversation() {
    let (stage, case) = helpdesk(Settings::default()).await;
    assert_eq!(participants(&case), strings(&["ann", "ben"]));
    assert_eq!((case.title.as_str(), case.priority, case.participant_count), ("telegram - John Doe", 3, 2));
    assert_eq!((case.status(), case.customer.unwrap().id.as_str()), (ConversationStatus::Active, "john"));
    let Body::ConversationJoined(joined) = stage.last_event("user/ann").await else { panic!("another") };
    assert_eq!(joined.conversation.unwrap().id, "case");
}

#[tokio::test]
async fn a_fixed_list_joins_whether_it_was_seen_before_or_not() {
    let support = Assignment::Users(strings(&["zoe", "newcomer", "john"]));
    let (_stage, case) = helpdesk(Settings { support, ..Settings::default() }).await;
    assert_eq!(participants(&case), strings(&["zoe", "newcomer"]), "the customer is no helper");
}

#[tokio::test]
async fn whoever_is_named_joins_instead() {
    let (stage, _) = helpdesk(Settings::default()).await;
    let named = CreateConversationRequest { id: "2".into(), participant_ids: strings(&["zoe"]), ..support() };
    assert_eq!(participants(&stage.create(named).await), strings(&["zoe"]));
}

#[tokio::test]
async fn each_helper_is_told_what_the_customer_wrote() {
    let (stage, _) = helpdesk(Settings::default()).await;
    stage.say("john", "case", "help").await;
    let sent = stage.say("john", "case", "please").await;
    assert_eq!((sent.author(), sent.customer.clone().unwrap().id.as_str()), (Author::Customer, "john"));
    assert_eq!(sent.delivery_status(), DeliveryStatus::Unspecified);
    for helper in ["user/ann", "user/ben"] {
        let Body::CustomerMessageCreated(told) = stage.last_event(helper).await else { panic!("another") };
        let conversation = told.conversation.unwrap();
        assert_eq!(told.message.unwrap(), sent);
        assert_eq!((conversation.unread_count, conversation.last_message), (2, Some(sent.clone())));
    }
}

#[tokio::test]
async fn an_answer_marks_what_the_customer_asked() {
    let (stage, _) = helpdesk(Settings::default()).await;
    stage.say("john", "case", "help").await;
    let answer = stage.say("ann", "case", "yes?").await;
    assert_eq!((answer.author(), answer.delivery_status()), (Author::Support, DeliveryStatus::Pending));
    stage.say("john", "case", "it burns").await;
    let list = ListMessagesRequest { conversation_id: "case".into(), ..ListMessagesRequest::default() };
    let messages = stage.chat().list_messages(list).await.unwrap().into_inner().messages;
    let answered: Vec<bool> = messages.iter().map(|message| message.is_answered).collect();
    assert_eq!(answered, [true, false, false]);
}

#[tokio::test]
async fn machines_and_campaigns_write_in_a_helpers_name() {
    let (stage, _) = helpdesk(Settings::default()).await;
    let as_author = |sender: &str, author: Author| SendMessageRequest {
        author: author.into(),
        ..text(sender, "case", "hello")
    };
    for author in [Author::Ai, Author::Marketing, Author::Support] {
        assert_eq!(stage.send(as_author("ann", author)).await.author(), author);
    }
    for wrong in [as_author("ann", Author::Customer), as_author("john", Author::Ai)] {
        assert_eq!(field(stage.chat().send_message(wrong).await), "author");
    }
}

#[tokio::test]
async fn a_customer_opens_a_closed_conversation_again() {
    let (stage, _) = helpdesk(Settings::default()).await;
    let close = UpdateConversationRequest {
        conversation_id: "case".into(),
        user_id: "ann".into(),
        status: ConversationStatus::Closed.into(),
        ..UpdateConversationRequest::default()
    };
    let closed = stage.chat().update_conversation(close.clone()).await.unwrap().into_inner();
    assert_eq!(closed.conversation.unwrap().status(), ConversationStatus::Closed);
    let Body::ConversationUpdated(told) = stage.last_event("user/ben").await else { panic!("another") };
    assert_eq!(told.conversation.unwrap().status(), ConversationStatus::Closed);
    let before = stage.events("user/ben").await.len();
    stage.chat().update_conversation(close).await.unwrap();
    assert_eq!(stage.events("user/ben").await.len(), before, "closing twice is no news");

    stage.say("ann", "case", "bye").await;
    assert_eq!(stage.events("user/ben").await.len(), before, "an answer leaves it closed");
    stage.say("john", "case", "one more thing").await;
    let mut events = stage.events("user/ben").await.split_off(before);
    let Some(Body::CustomerMessageCreated(told)) = events.pop() else { panic!("another") };
    assert_eq!(told.conversation.unwrap().status(), ConversationStatus::Active);
    assert!(matches!(events.pop(), Some(Body::ConversationUpdated(_))));
}

#[tokio::test]
async fn only_helpers_and_backends_change_a_support_conversation() {
    let (stage, _) = helpdesk(Settings::default()).await;
    stage.group("room", &["ann"]).await;
    let update = |conversation: &str, user: &str| {
        let request = UpdateConversationRequest {
            conversation_id: conversation.to_owned(),
            user_id: user.to_owned(),
            priority: Some(9),
            ..UpdateConversationRequest::default()
        };
        let mut chat = stage.chat();
        async move { chat.update_conversation(request).await }
    };
    let urgent = update("case", "").await.unwrap().into_inner().conversation.unwrap();
    assert_eq!(urgent.priority, 9);
    assert_eq!(code(update("case", "john").await), Code::PermissionDenied);
    assert_eq!(code(update("case", "zoe").await), Code::NotFound);
    assert_eq!(code(update("room", "ann").await), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_channel_reports_how_far_an_answer_got() {
    let (stage, _) = helpdesk(Settings::default()).await;
    let answer = stage.say("ann", "case", "hello").await;
    let report = |message_id: u64, status: DeliveryStatus| {
        let error = "gone".to_owned();
        let request = ReportDeliveryStatusRequest { message_id, status: status.into(), error };
        let mut chat = stage.chat();
        async move { chat.report_delivery_status(request).await }
    };
    let changed = async |status| report(answer.id, status).await.unwrap().into_inner().changed;
    assert!(changed(DeliveryStatus::Sent).await);
    assert!(changed(DeliveryStatus::Delivered).await);
    assert!(!changed(DeliveryStatus::Sent).await, "a step back");
    let Body::DeliveryStatusChanged(told) = stage.last_event("conversation/case").await else {
        panic!("another")
    };
    assert_eq!(
        (told.message_id, told.status(), told.error.as_str()),
        (answer.id, DeliveryStatus::Delivered, "")
    );

    let lost = stage.say("ann", "case", "hello?").await;
    assert!(report(lost.id, DeliveryStatus::Failed).await.unwrap().into_inner().changed);
    let list = ListMessagesRequest { conversation_id: "case".into(), ..ListMessagesRequest::default() };
    let messages = stage.chat().list_messages(list).await.unwrap().into_inner().messages;
    assert_eq!(
        (messages[1].delivery_status(), messages[1].delivery_error.as_str()),
        (DeliveryStatus::Failed, "gone")
    );

    let question = stage.say("john", "case", "help").await;
    assert_eq!(code(report(question.id, DeliveryStatus::Sent).await), Code::FailedPrecondition);
    assert_eq!(code(report(4_711, DeliveryStatus::Sent).await), Code::NotFound);
    assert_eq!(field(report(answer.id, DeliveryStatus::Unspecified).await), "status");
}

#[tokio::test]
async fn a_support_message_owes_no_notification() {
    let (stage, _) = helpdesk(Settings::default()).await;
    stage.say("john", "case", "help").await;
    stage.group("room", &["ann", "ben"]).await;
    stage.say("ann", "room", "hi").await;
    crate::stage::eventually(|| !stage.notifications.notified().is_empty()).await;
    assert_eq!(stage.notifications.notified().len(), 1, "ben's, of the room");
}
