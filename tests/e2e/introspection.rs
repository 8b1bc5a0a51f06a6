//! Opaque tokens, about which an authorization server is asked (RFC 7662).

mod endpoint;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use causeway_proto::chat::GetUserRequest;
use serde_json::{Value, json};

use self::endpoint::{CLIENT_SECRET, Endpoint, Mood, SENT_CREDENTIALS, basic};
use crate::stage::{Causeway, Client, causeway::UP, eventually, fresh_id, with_token};

/// The personal room of `campus`, the dialect whose frontends have opaque tokens.
const CHAT: &str = "/ws/chat/";

fn active(user: &str) -> Value {
    json!({"active": true, "sub": user})
}

async fn open(causeway: &Causeway, token: &str) -> Client {
    causeway.open("the bearer", &with_token(CHAT, token)).await
}

/// Status and reason of a refusal.
async fn refusal(causeway: &Causeway, token: &str) -> (u16, Value) {
    let refused = causeway.refused(&with_token(CHAT, token)).await;
    (refused.status, serde_json::from_str(&refused.body).unwrap())
}

fn invalid() -> (u16, Value) {
    (403, json!({"detail": "invalid token"}))
}

fn unavailable() -> (u16, Value) {
    (503, json!({"detail": "not available now, try again"}))
}

#[tokio::test]
async fn an_active_token_opens_a_socket_as_its_user_and_messages_travel() {
    let endpoint = Endpoint::start().await;
    let causeway = endpoint.settings("").start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    // Of every character that a token may have (RFC 6750 §2.1), as it stands in a form.
    endpoint.answers("Az0-._%7E%2B%2F%3D", active(&alice.id));
    let mut alices = open(&causeway, "Az0-._~+/=").await;
    let mut bobs = causeway.client(&bob, CHAT).await;
    alices.send(json!({"receiver_id": bob.number(), "message": "Hello"})).await;
    let received = bobs.expect("chat_message").await;
    assert_eq!((&received["sender_id"], &received["message"]), (&json!(alice.number()), &json!("Hello")));
    alices.expect("message_sent").await;
    bobs.send(json!({"receiver_id": alice.number(), "message": "Who is there?"})).await;
    assert_eq!(alices.expect("chat_message").await["message"], "Who is there?");
    assert_eq!(endpoint.asked(), 1, "Bob's token can be read without it");
}

#[tokio::test]
async fn an_inactive_token_is_refused_as_any_bad_one_and_only_campus_asks() {
    let endpoint = Endpoint::start().await;
    let causeway = endpoint.settings("cache = \"1h\"").start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let room = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let good = endpoint.issue(active(&alice.id));
    assert_eq!(causeway.refused(&with_token(&room, &good)).await.status, 403);
    assert_eq!(endpoint.asked(), 0, "rooms has no opaque tokens");

    let withdrawn = endpoint.issue(json!({"active": false, "sub": alice.id}));
    let for_nobody = endpoint.issue(json!({"active": true}));
    for token in [&withdrawn, &for_nobody, "unheard-of"] {
        assert_eq!(refusal(&causeway, token).await, invalid(), "{token}");
    }
    assert_eq!(endpoint.asked(), 3);
    endpoint.answers(&withdrawn, active(&alice.id));
    assert_eq!(refusal(&causeway, &withdrawn).await, invalid(), "the answer still holds");
    assert_eq!(endpoint.asked(), 3);
}

#[tokio::test]
async fn without_an_answer_nothing_is_opened_until_there_is_one() {
    let endpoint = Endpoint::away();
    let causeway = endpoint.settings("timeout = \"1s\"").start().await;
    let user_id = fresh_id();
    let token = endpoint.issue(active(&user_id));
    assert_eq!(refusal(&causeway, &token).await, unavailable(), "nobody is there");
    endpoint.come().await;
    for mood in [Mood::Broken, Mood::Silent] {
        endpoint.becomes(mood);
        assert_eq!(refusal(&causeway, &token).await, unavailable());
    }
    assert_eq!(endpoint.asked(), 2);
    let user = || async { causeway.directory().get_user(GetUserRequest { user_id: user_id.clone() }).await };
    assert_eq!(user().await.unwrap_err().code(), tonic::Code::NotFound, "nobody was registered");
    let metrics = causeway.metrics().await;
    let refused = r#"causeway_bridge_refusals_total{dialect="campus",reason="unavailable"} 3"#;
    let of_sockets = metrics.lines().filter(|line| line.contains("_bridge_") && line.contains("\"campus\""));
    let counted: Vec<_> = of_sockets.filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(counted, [refused], "no socket was counted");

    endpoint.becomes(Mood::Answering);
    let mut client = open(&causeway, &token).await;
    client.send(json!({"type": "ping"})).await;
    client.expect("pong").await;
    assert!(user().await.is_ok());
}

#[tokio::test]
async fn the_endpoint_gets_credentials_and_token_and_nobody_else_does() {
    let endpoint = Endpoint::start().await;
    let causeway = endpoint.settings("cache = \"0s\"").set("log.level", "trace").set("bridge.drain", "200ms");
    let mut causeway = causeway.start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let (good, bad) = (endpoint.issue(active(&alice.id)), endpoint.issue(json!({"active": false})));
    let mut client = open(&causeway, &good).await;
    let question = endpoint.desk.questions.lock().unwrap()[0].clone();
    let form = format!("token={good}&token_type_hint=access_token");
    assert_eq!(question, ["POST /introspect".to_owned(), basic(), form]);

    assert_eq!(refusal(&causeway, &bad).await, invalid());
    for token in [&bad, &good] {
        client.send(json!({"type": "refresh_token", "token": token})).await;
    }
    client.expect("error").await;
    client.expect("token_refreshed").await;
    endpoint.becomes(Mood::Broken);
    assert_eq!(refusal(&causeway, &good).await, unavailable());
    let shown = causeway.run_well(&["config", "show"]).await;
    causeway.terminate(UP);
    client.expect_close(1012).await;
    drop(client);
    causeway.exit(UP).await;
    let printed = causeway.printed();
    assert!(printed.contains("token introspection failed"), "it logs nothing: {printed}");
    let secret_part = SENT_CREDENTIALS.split_once(':').unwrap().1;
    for secret in [&good, &bad, CLIENT_SECRET, secret_part, &STANDARD.encode(SENT_CREDENTIALS)] {
        assert!(!printed.contains(secret) && !shown.contains(secret), "{secret} is printed");
    }
}

#[tokio::test]
async fn an_answer_holds_for_the_cache_time_but_no_longer_than_its_token() {
    let endpoint = Endpoint::start().await;
    let causeway = endpoint.settings("cache = \"1h\"").set("auth.leeway", "0s").start().await;
    let lasting = endpoint.issue(active(&fresh_id()));
    for _ in 0..3 {
        open(&causeway, &lasting).await;
    }
    assert_eq!(endpoint.asked(), 1);
    let soon = SystemTime::now() + Duration::from_secs(5);
    let exp = soon.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let short = endpoint.issue(json!({"active": true, "sub": fresh_id(), "exp": exp}));
    open(&causeway, &short).await.expect_close(4002).await;
    assert_eq!(refusal(&causeway, &short).await, (403, json!({"detail": "token expired"})));
    endpoint.becomes(Mood::Broken);
    open(&causeway, &lasting).await;
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test]
async fn after_the_cache_time_the_endpoint_is_asked_again() {
    let endpoint = Endpoint::start().await;
    let causeway = endpoint.settings("cache = \"200ms\"").start().await;
    let token = endpoint.issue(active(&fresh_id()));
    open(&causeway, &token).await;
    endpoint.answers(&token, json!({"active": false}));
    eventually("a token is refused that was withdrawn", async || {
        causeway.knock("the bearer", &with_token(CHAT, &token), &[]).await.is_err()
    })
    .await;
    assert_eq!(refusal(&causeway, &token).await, invalid());
}
