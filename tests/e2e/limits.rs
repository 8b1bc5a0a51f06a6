//! What happens at the limits: frames, rates, slow readers and slow callers.

use std::time::{Duration, Instant};

use causeway_proto::chat::{SendMessageRequest, SendMessagesRequest};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{Causeway, INTEGER, Pair, STRING, Seen, Setup, client::PATIENCE, with_token};

const GROUP: &str = "/ws/group/{id}/";

/// One path of each dialect, for Alice and a group of hers.
fn paths(id: &str, alice: &str) -> [String; 8] {
    [
        format!("/ws/group/{id}/"),
        format!("/api/v1/ws/chat/{id}"),
        format!("/api/v1/ws/{alice}"),
        format!("/ws/chat/{id}/"),
        format!("/ws/notifications/{alice}/"),
        format!("/helpdesk/ws/chat/{id}/"),
        "/ws/conversations/".to_owned(),
        "/ws/chat/".to_owned(),
    ]
}

#[tokio::test]
async fn a_binary_frame_closes_the_socket() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    for path in paths(&id, &alice.id) {
        let mut client = causeway.client(&alice, &path).await;
        client.send_raw(Message::binary(vec![1, 2, 3])).await;
        client.expect_close(1003).await;
    }
}

#[tokio::test]
async fn a_frame_over_64_kib_closes_the_socket() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let filled = |length: usize| {
        let empty = json!({"type": "message", "content": "", "client_message_id": "", "padding": ""});
        let padding = "x".repeat(length - empty.to_string().len() - "fitsk".len());
        json!({"type": "message", "content": "fits", "client_message_id": "k", "padding": padding})
    };
    alices.send(filled(65_536)).await;
    alices.expect("message").await;
    alices.send(filled(65_537)).await;
    alices.expect_close(1009).await;
    bobs.expect("message").await;
    bobs.silence().await;
}

#[tokio::test]
async fn a_frame_that_claims_to_be_huge_is_not_waited_for() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let mut header = vec![0x81, 0xff];
    header.extend(100_000_000_u64.to_be_bytes());
    header.extend([1, 2, 3, 4]);
    alices.send_bytes(&header).await;
    alices.expect_close(1009).await;
    // The same in pieces: many small frames that make one long message.
    for number in 0..70_u8 {
        let mut piece = vec![if number == 0 { 0x01 } else { 0x00 }, 0xfe, 0x04, 0x00, 0, 0, 0, 0];
        piece.extend([b'x'; 1_024]);
        bobs.send_bytes(&piece).await;
    }
    bobs.expect_close(1009).await;
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_go_on() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    for number in 0..60 {
        alices.send(json!({"type": "message", "content": number.to_string()})).await;
    }
    let frame = alices.gather("error", 1).await.remove(0);
    let expected =
        json!({"type": "error", "code": "rate_limited", "message": STRING, "retry_after_ms": INTEGER});
    assert_eq!(crate::stage::pattern::difference(&expected, &frame), None, "{frame}");
    let wait = frame["retry_after_ms"].as_u64().unwrap();
    assert!(wait <= 1_000, "{frame}");
    tokio::time::sleep(Duration::from_millis(wait)).await;
    alices.send(json!({"type": "message", "content": "slower now"})).await;
    while bobs.expect("message").await["message"]["content"] != "slower now" {}
}

#[tokio::test]
async fn every_dialect_has_its_own_way_to_say_so() {
    let causeway =
        Setup::default().set("bridge.rate.frames_per_second", 1).set("bridge.rate.burst", 1).start().await;
    let expected = [
        json!({"type": "error", "code": "rate_limited", "message": STRING, "retry_after_ms": INTEGER}),
        json!({"type": "error", "data": {"code": "rate_limited", "message": STRING, "retry_after_ms": INTEGER}}),
        json!({"type": "error", "code": "rate_limited", "message": STRING, "retry_after_ms": INTEGER}),
        json!({"error": STRING, "code": "rate_limited", "retry_after_ms": INTEGER}),
        json!({"type": "error", "error": "rate_limited", "retry_after_ms": INTEGER}),
    ];
    for (which, expected) in expected.into_iter().enumerate() {
        let [alice] = causeway.people(["Alice"]).await;
        let id = causeway.group([&alice]).await;
        let [rooms, envelope, _, jobs, _, helpdesk, _, campus] = paths(&id, &alice.id);
        let path = &[rooms, envelope, jobs, helpdesk, campus][which];
        let mut client = causeway.client(&alice, path).await;
        for _ in 0..3 {
            client.send(json!({"type": "no such frame"})).await;
        }
        let frame = loop {
            let Seen::Frame(frame) = client.next(PATIENCE).await else { panic!("no error on {path}") };
            if frame.to_string().contains("rate_limited") {
                break frame;
            }
        };
        assert_eq!(crate::stage::pattern::difference(&expected, &frame), None, "{path}: {frame}");
    }
}

#[tokio::test]
async fn whoever_does_not_stop_is_put_out() {
    let Pair { mut alices, .. } = Pair::on(GROUP).await;
    let begun = Instant::now();
    let code = loop {
        if !alices.try_send(json!({"type": "message", "content": "spam"})).await {
            break alices.expect_close(1008).await;
        }
        if let Seen::Closed(code, reason) = alices.next(Duration::from_millis(4)).await {
            assert_eq!(code, 1008);
            break reason;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the abuse goes on");
    };
    assert!(begun.elapsed() > Duration::from_secs(4), "put out at once: {code}");
}

#[tokio::test]
async fn receipts_typing_and_pings_do_not_count() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "message", "content": "read me"})).await;
    let id = bobs.expect("message").await["message"]["id"].clone();
    for _ in 0..40 {
        bobs.send(json!({"type": "ping"})).await;
        bobs.send(json!({"type": "read", "message_id": id})).await;
        bobs.send(json!({"type": "typing", "is_typing": true})).await;
    }
    for number in 0..40 {
        bobs.send(json!({"type": "message", "content": number.to_string()})).await;
    }
    bobs.gather("message", 40).await;
    alices.gather("message", 41).await;
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_costs_nobody_else() {
    let causeway = Setup::default().set("bridge.rate.frames_per_second", 0).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut slow = causeway.client(&bob, &path).await;
    let mut other = causeway.client_since(&bob, &path, "").await;
    let content = "x".repeat(16_000);
    // A socket that is closed does not wait for long for who does not read: so he reads as soon as he was too slow.
    let mut rounds = 0;
    while causeway.metrics().await.contains("causeway_bridge_mailbox_overflows_total 0") {
        assert!(rounds < 1_000, "nobody is too slow");
        for _ in 0..8 {
            alices.send(json!({"type": "message", "content": content})).await;
        }
        alices.gather("message", 8).await;
        other.gather("message", 8).await;
        rounds += 1;
    }
    slow.expect_close(4008).await;
}

#[tokio::test]
async fn much_at_once_closes_nobody_who_reads() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let mut readers = JoinSet::new();
    for _ in 0..10 {
        let mut reader = causeway.client(&bob, &format!("/ws/group/{id}/")).await;
        readers.spawn(async move { reader.gather("message", 16).await });
    }
    // 48 KiB each, in one commit: three times what may wait for a slow reader.
    let message = SendMessageRequest {
        conversation_id: id,
        sender_id: alice.id.clone(),
        content: "€".repeat(16_384),
        ..SendMessageRequest::default()
    };
    let request = SendMessagesRequest { messages: vec![message; 16] };
    causeway.chat().send_messages(request).await.unwrap();
    assert_eq!(readers.join_all().await.len(), 10);
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let causeway = Setup::default().set("bridge.handshake_timeout", "1s").start().await;
    for half in ["", "GET /ws/gr", "GET /ws/chat/ HTTP/1.1\r\nHost: a\r\nUpgrade: websock"] {
        let mut stream = TcpStream::connect(causeway.at.bridge).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        let begun = Instant::now();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "it waits for ever after {half:?}");
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn a_silent_peer_is_given_up() {
    let causeway =
        Setup::default().set("bridge.ping_interval", "500ms").set("bridge.idle_timeout", "2s").start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let mut silent = causeway.client(&alice, &path).await;
    let mut alive = causeway.client(&alice, &path).await;
    let end = Instant::now() + Duration::from_secs(4);
    while let Seen::Frame(_) = alive.next(end.saturating_duration_since(Instant::now())).await {}
    alive.send(json!({"type": "ping"})).await;
    alive.expect("pong").await;
    let end = loop {
        match silent.next(Duration::from_millis(100)).await {
            Seen::Frame(_) => {}
            other => break other,
        }
    };
    assert!(matches!(end, Seen::Closed(_, _)), "{end:?}");
}

#[tokio::test]
async fn a_user_may_have_so_many_sockets() {
    let causeway = Setup::default().set("bridge.max_connections_per_user", 2).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let first = causeway.client(&alice, &path).await;
    let _second = causeway.client(&alice, &path).await;
    let _bobs = causeway.client(&bob, &path).await;
    let token = causeway.token(&alice.id).await;
    assert_eq!(causeway.refused(&with_token(&path, &token)).await.status, 503);
    first.leave().await;
    crate::stage::eventually("a place is free again", async || {
        causeway.knock("Alice", &with_token(&path, &token), &[]).await.is_ok()
    })
    .await;
}
