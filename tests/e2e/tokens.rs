//! Tokens: where they may come from, what signs them, and what is refused.

mod keys;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use keys::KeyRing;
use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Person, Setup, with_token};

/// Seconds since 1970 after which a token made now is too old.
fn soon() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600
}

async fn answers(client: &mut Client) {
    client.send(json!({"type": "ping"})).await;
    client.expect("pong").await;
}

async fn scene(causeway: &Causeway) -> (Person, String) {
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    (alice, path)
}

#[tokio::test]
async fn a_token_may_come_in_any_of_three_places() {
    let causeway = Causeway::shared().await;
    let (alice, path) = scene(&causeway).await;
    let token = causeway.token(&alice.id).await;
    let bearer = format!("Bearer {token}");
    let (mut by_header, _) = causeway.knock("header", &path, &[("Authorization", &bearer)]).await.unwrap();
    answers(&mut by_header).await;
    let protocols = format!("bearer, {token}");
    let headers = [("Sec-WebSocket-Protocol", protocols.as_str())];
    let (mut by_protocol, answered) = causeway.knock("protocol", &path, &headers).await.unwrap();
    answers(&mut by_protocol).await;
    assert_eq!(answered["sec-websocket-protocol"], "bearer");
}

#[tokio::test]
async fn a_token_in_two_places_is_refused_as_invalid() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let token = causeway.token(&alice.id).await;
    let bearer = format!("Bearer {token}");
    let protocols = format!("bearer, {token}");
    let (header, protocol) =
        (("Authorization", bearer.as_str()), ("Sec-WebSocket-Protocol", protocols.as_str()));
    let (in_query, without) = (with_token("", &token), String::new());
    for (query, headers) in [
        (&in_query, vec![header]),
        (&in_query, vec![protocol]),
        (&without, vec![header, protocol]),
        (&format!("{in_query}&token={token}"), vec![]),
    ] {
        let rooms = causeway.knock("rooms", &format!("/ws/group/{id}/{query}"), &headers).await;
        assert_eq!(rooms.err().unwrap().status, 403, "{query} {headers:?}");
        let jobs = causeway.knock("jobs", &format!("/ws/chat/{id}/{query}"), &headers).await;
        jobs.ok().unwrap().0.expect_close(4001).await;
    }
}

#[tokio::test]
async fn the_claims_name_the_user_and_fill_the_profile() {
    let causeway = Causeway::shared().await;
    let claims = ["--claim", "first_name=Zoe", "--claim", "last_name=Fox", "--claim", "email=z@example.com"];
    let id = crate::stage::fresh_id();
    let token = causeway.new_token(&id, &claims).await;
    let _client = causeway.open("Zoe", &with_token("/ws/chat/", &token)).await;
    let request = causeway_proto::chat::GetUserRequest { user_id: id.clone() };
    let user = causeway.directory().get_user(request.clone()).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.first_name.as_str(), user.last_name.as_str()), ("Zoe", "Fox"));

    let other = causeway.new_token(&id, &["--claim", "first_name=Eve", "--claim", "username=zoe"]).await;
    let _client = causeway.open("Zoe", &with_token("/ws/chat/", &other)).await;
    let user = causeway.directory().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.first_name.as_str(), user.username.as_str()), ("Zoe", "zoe"), "what is stored wins");
}

/// A Causeway that knows a key of every algorithm.
async fn with_every_key(ring: &KeyRing) -> Causeway {
    Setup::default().file(&ring.settings()).start().await
}

#[tokio::test]
async fn every_algorithm_is_taken_with_its_own_key_only() {
    let ring = KeyRing::new();
    let causeway = with_every_key(&ring).await;
    let (alice, path) = scene(&causeway).await;
    let claims = json!({"sub": alice.id, "exp": soon()});
    for algorithm in keys::ALGORITHMS {
        let token = encode(&Header::new(algorithm), &claims, ring.signer(algorithm)).unwrap();
        let mut client = causeway.open(&format!("{algorithm:?}"), &with_token(&path, &token)).await;
        answers(&mut client).await;
    }
    let confused = EncodingKey::from_secret(ring.public_pem(Algorithm::RS256).as_bytes());
    let strangers = KeyRing::new();
    let forgeries = [
        encode(&Header::new(Algorithm::HS256), &claims, &confused).unwrap(),
        encode(&Header::new(Algorithm::HS384), &claims, ring.signer(Algorithm::HS256)).unwrap(),
        encode(&Header::new(Algorithm::RS512), &claims, ring.signer(Algorithm::RS256)).unwrap(),
        encode(&Header::new(Algorithm::PS256), &claims, ring.signer(Algorithm::RS256)).unwrap(),
        encode(&Header::new(Algorithm::ES256), &claims, strangers.signer(Algorithm::ES256)).unwrap(),
        encode(&Header::new(Algorithm::EdDSA), &claims, strangers.signer(Algorithm::EdDSA)).unwrap(),
        keys::unsigned(&claims),
    ];
    for forgery in forgeries {
        assert_eq!(causeway.refused(&with_token(&path, &forgery)).await.status, 403, "{forgery}");
    }
}

#[tokio::test]
async fn a_token_must_say_until_when_and_whose_it_is() {
    let ring = KeyRing::new();
    let causeway = with_every_key(&ring).await;
    let (alice, path) = scene(&causeway).await;
    let number: u64 = alice.number();
    let signed = |claims: &Value| {
        encode(&Header::new(Algorithm::HS256), claims, ring.signer(Algorithm::HS256)).unwrap()
    };
    for claims in [
        json!({"sub": alice.id, "exp": soon()}),
        json!({"sub": number, "exp": soon()}),
        json!({"user_id": number, "exp": soon()}),
        json!({"user_id": "somebody else", "sub": alice.id, "exp": soon()}),
    ] {
        answers(&mut causeway.open("Alice", &with_token(&path, &signed(&claims))).await).await;
    }
    for claims in [
        json!({"sub": alice.id}),
        json!({"exp": soon()}),
        json!({"sub": alice.id, "exp": soon().to_string()}),
        json!({"sub": alice.id, "exp": soon() - 1_200}),
        json!({"sub": alice.id, "exp": soon(), "nbf": soon() - 300}),
        json!({"sub": "", "exp": soon()}),
        json!({"sub": [alice.id], "exp": soon()}),
        json!({"sub": true, "exp": soon()}),
    ] {
        let refused = causeway.refused(&with_token(&path, &signed(&claims))).await;
        assert_eq!(refused.status, 403, "{claims}");
    }
}

#[tokio::test]
async fn a_clock_may_differ_by_five_seconds() {
    let ring = KeyRing::new();
    let causeway = with_every_key(&ring).await;
    let (alice, path) = scene(&causeway).await;
    let now = soon() - 600;
    let claims = json!({"sub": alice.id, "exp": now - 2, "nbf": now + 2});
    let token = encode(&Header::new(Algorithm::HS256), &claims, ring.signer(Algorithm::HS256)).unwrap();
    let mut client = causeway.open("Alice", &with_token(&path, &token)).await;
    client.expect_close(4002).await;
}
