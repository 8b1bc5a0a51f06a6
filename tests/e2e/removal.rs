//! Losing access while connected, and gaining it.

use causeway_proto::chat::{AddParticipantsRequest, PutUserRequest, RemoveParticipantsRequest};
use serde_json::json;

use crate::stage::{Causeway, Client, Pair, Person, Seen, client::PATIENCE};

async fn remove(causeway: &Causeway, id: &str, who: &Person) {
    let request =
        RemoveParticipantsRequest { conversation_id: id.to_owned(), user_ids: vec![who.id.clone()] };
    causeway.chat().remove_participants(request).await.unwrap();
}

/// The socket is closed with 4004, and nothing of what is said afterwards reaches it before.
async fn is_shut_out(mut client: Client) {
    loop {
        match client.next(PATIENCE).await {
            Seen::Frame(frame) => assert!(!frame.to_string().contains("secret"), "{frame}"),
            Seen::Closed(code, _) => return assert_eq!(code, 4004),
            Seen::Nothing => panic!("the socket stays open"),
        }
    }
}

#[tokio::test]
async fn a_removed_participant_is_shut_out_in_every_dialect() {
    let Pair { causeway, id, bob, mut alices, bobs, .. } = Pair::on("/ws/group/{id}/").await;
    let mut sockets = vec![bobs];
    for path in ["/api/v1/ws/chat/", "/ws/chat/", "/helpdesk/ws/chat/"] {
        sockets.push(causeway.client(&bob, &format!("{path}{id}")).await);
    }
    let mut own_room = causeway.client(&bob, "/ws/chat/").await;
    remove(&causeway, &id, &bob).await;
    alices.send(json!({"type": "message", "content": "secret"})).await;
    for socket in sockets {
        is_shut_out(socket).await;
    }
    own_room.send(json!({"type": "ping"})).await;
    own_room.expect("pong").await;
    alices.expect("message").await;
    let token = causeway.token(&bob.id).await;
    assert_eq!(causeway.refused(&format!("/ws/group/{id}/?token={token}")).await.status, 403);
}

#[tokio::test]
async fn whoever_is_added_again_may_come_back() {
    let Pair { causeway, id, bob, mut alices, bobs, .. } = Pair::on("/ws/group/{id}/").await;
    remove(&causeway, &id, &bob).await;
    is_shut_out(bobs).await;
    let request =
        AddParticipantsRequest { conversation_id: id.clone(), user_ids: vec![bob.id.clone()], role: 0 };
    causeway.chat().add_participants(request).await.unwrap();
    let mut bobs = causeway.client(&bob, &format!("/ws/group/{id}/")).await;
    alices.send(json!({"type": "message", "content": "welcome back"})).await;
    bobs.expect("message").await;
}

#[tokio::test]
async fn a_user_who_is_switched_off_may_not_connect() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let request = PutUserRequest { id: alice.id.clone(), is_active: Some(false), ..Default::default() };
    causeway.directory().put_user(request).await.unwrap();
    let token = causeway.token(&alice.id).await;
    assert_eq!(causeway.refused(&format!("/ws/group/{id}/?token={token}")).await.status, 403);
}
