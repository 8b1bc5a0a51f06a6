//! The services as backends call them.

use causeway_proto::{
    chat::{
        CreateConversationRequest, EditMessageRequest, GetUserRequest, SendMessageRequest,
        chat_client::ChatClient, directory_client::DirectoryClient,
    },
    event::{ReadRequest, events_client::EventsClient},
    notification::{
        BulkState, CancelBulkRequest, Content, ListNotificationsRequest, StartBulkRequest, WatchBulkRequest,
        notifications_client::NotificationsClient,
    },
    presence::{GetPresenceRequest, presence_client::PresenceClient},
};
use serde_json::json;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;

use crate::stage::{Causeway, Person, eventually};

/// A connection that brings no credential.
async fn anonymous(causeway: &Causeway) -> Channel {
    Channel::from_shared(format!("http://{}", causeway.at.chat)).unwrap().connect().await.unwrap()
}

/// The fields that a status names.
fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().map(|details| details.field_violations);
    violations.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn without_a_credential_no_service_answers() {
    let causeway = Causeway::shared().await;
    let channel = anonymous(&causeway).await;
    let chat =
        ChatClient::new(channel.clone()).create_conversation(CreateConversationRequest::default()).await;
    let user = DirectoryClient::new(channel.clone()).get_user(GetUserRequest::default()).await;
    let events = EventsClient::new(channel.clone()).read(ReadRequest::default()).await;
    for code in [chat.unwrap_err().code(), user.unwrap_err().code(), events.unwrap_err().code()] {
        assert_eq!(code, Code::Unauthenticated);
    }
    for value in ["Bearer wrong", "Bearer ", "Basic d3Jvbmc=", "wrong"] {
        let mut request = Request::new(GetUserRequest::default());
        request.metadata_mut().insert("authorization", value.parse().unwrap());
        let status = DirectoryClient::new(channel.clone()).get_user(request).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{value}");
    }
}

#[tokio::test]
async fn every_service_wants_a_credential() {
    let causeway = Causeway::shared().await;
    let at = |address| Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let notifications = NotificationsClient::new(at(causeway.at.notification))
        .list_notifications(ListNotificationsRequest::default())
        .await;
    let presence =
        PresenceClient::new(at(causeway.at.presence)).get_presence(GetPresenceRequest::default()).await;
    assert_eq!(notifications.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(presence.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn anybody_may_ask_for_health() {
    let causeway = Causeway::shared().await;
    let mut health = HealthClient::new(anonymous(&causeway).await);
    for service in ["", "causeway.chat.v1.Chat"] {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service:?}");
    }
}

#[tokio::test]
async fn a_bad_request_names_its_field() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let good = SendMessageRequest {
        conversation_id: id.clone(),
        sender_id: alice.id.clone(),
        content: "hi".into(),
        ..Default::default()
    };
    let wrong = [
        ("content", SendMessageRequest { content: String::new(), ..good.clone() }),
        ("content", SendMessageRequest { content: "x".repeat(16_385), ..good.clone() }),
        ("content_type", SendMessageRequest { content_type: "song".into(), ..good.clone() }),
        ("metadata", SendMessageRequest { metadata: "[]".into(), ..good.clone() }),
        ("metadata", SendMessageRequest { metadata: "{".into(), ..good.clone() }),
        ("client_message_id", SendMessageRequest { client_message_id: "x".repeat(65), ..good.clone() }),
        ("sender_id", SendMessageRequest { sender_id: "a/b".into(), ..good.clone() }),
    ];
    for (field, request) in wrong {
        let status = causeway.chat().send_message(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
        assert_eq!(fields(&status), [field], "{status:?}");
    }
    let unknown = SendMessageRequest { conversation_id: "no-such".into(), ..good };
    assert_eq!(causeway.chat().send_message(unknown).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let conversation_id = causeway.group([&alice]).await;
    for message_id in [0, 900_719_925_474, u64::MAX] {
        let request = EditMessageRequest {
            message_id,
            conversation_id: conversation_id.clone(),
            user_id: alice.id.clone(),
            content: "a".into(),
        };
        let status = causeway.chat().edit_message(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{message_id}");
    }
    let status = causeway.directory().get_user(GetUserRequest { user_id: "no-such".into() }).await;
    assert_eq!(status.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_request_over_four_mebibytes_is_refused() {
    let causeway = Causeway::shared().await;
    let request = GetUserRequest { user_id: "x".repeat(5 << 20) };
    let status = causeway.directory().get_user(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{:?}", status.code());
}

#[tokio::test]
async fn what_a_backend_sends_is_seen_on_the_sockets() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let mut bobs = causeway.client(&bob, &format!("/ws/chat/{id}/")).await;
    let request = SendMessageRequest {
        conversation_id: id,
        sender_id: alice.id.clone(),
        content: "from behind".into(),
        metadata: r#"{"order":7}"#.into(),
        client_message_id: "once".into(),
        ..Default::default()
    };
    let first = causeway.chat().send_message(request.clone()).await.unwrap().into_inner();
    let second = causeway.chat().send_message(request).await.unwrap().into_inner();
    assert!(!first.duplicate && second.duplicate);
    let frame = bobs.expect("chat_message").await;
    assert_eq!(frame["message"]["id"], json!(first.message.unwrap().id));
    bobs.silence().await;
}

fn content(title: &str) -> Option<Content> {
    Some(Content { title: title.into(), message: "to many".into(), ..Content::default() })
}

#[tokio::test]
async fn a_bulk_message_reaches_everybody_and_says_how_far_it_is() {
    let causeway = Causeway::shared().await;
    let people: [Person; 5] = causeway.people(["Ann", "Ben", "Cay", "Dan", "Eve"]).await;
    let mut anns = causeway.client(&people[0], "/ws/notifications/").await;
    let mut notifications = causeway.notifications();
    let mut user_ids: Vec<_> = people.iter().map(|person| person.id.clone()).collect();
    user_ids.push(people[0].id.clone());
    let request =
        StartBulkRequest { user_ids, content: content("Maintenance"), idempotency_key: people[0].id.clone() };
    let bulk = notifications.start_bulk(request.clone()).await.unwrap().into_inner().bulk.unwrap();
    assert_eq!(bulk.total, 5, "whoever is named twice counts once");
    let again = notifications.start_bulk(request).await.unwrap().into_inner();
    assert!(again.duplicate);

    let request = WatchBulkRequest { bulk_id: bulk.id };
    let mut progress = notifications.watch_bulk(request).await.unwrap().into_inner();
    let mut last = None;
    while let Some(step) = progress.message().await.unwrap() {
        last = step.bulk;
    }
    let last = last.unwrap();
    assert_eq!((last.state(), last.done), (BulkState::Done, 5));
    assert_eq!(anns.expect("notify").await["title"], "Maintenance");
    anns.silence().await;
}

#[tokio::test]
async fn a_bulk_message_is_cancelled() {
    let causeway = Causeway::shared().await;
    let mut notifications = causeway.notifications();
    let base: u64 = crate::stage::fresh_id().parse().unwrap();
    let user_ids = (0..50_000).map(|number| format!("bulk-{base}-{number}")).collect();
    let request = StartBulkRequest { user_ids, content: content("Too many"), ..Default::default() };
    let bulk_id = notifications.start_bulk(request).await.unwrap().into_inner().bulk.unwrap().id;
    let cancelled = notifications.cancel_bulk(CancelBulkRequest { bulk_id }).await.unwrap().into_inner();
    let bulk = cancelled.bulk.unwrap();
    assert_eq!(bulk.state(), BulkState::Cancelled);
    assert!(bulk.done < bulk.total);
    let again = notifications.cancel_bulk(CancelBulkRequest { bulk_id }).await;
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn presence_is_read_for_many_at_once() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let _one = causeway.client(&alice, &format!("/ws/group/{id}/")).await;
    let _two = causeway.client(&alice, "/ws/chat/").await;
    eventually("Alice is online with two sockets", async || {
        let request = GetPresenceRequest { user_ids: vec![alice.id.clone(), bob.id.clone()] };
        let found = causeway.presence().get_presence(request).await.unwrap().into_inner().presences;
        assert_eq!(found[1].sessions, 0);
        found[0].sessions == 2 && found[0].display_name == alice.name()
    })
    .await;
}
