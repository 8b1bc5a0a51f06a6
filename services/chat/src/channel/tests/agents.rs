//! Agents, told of what customers write and answering.

use causeway_kit::{
    plugin_host::{Prepared, Verdict},
    store::Tx,
};
use causeway_proto::{
    chat::{Author, DeleteMessageRequest, DeliveryStatus},
    plugin::{Answer, PluginKind, delivery, inbound_event::Body},
};

use super::stage::{Stage, able};
use crate::{creation, edits::Delete, settings::Settings, users};

fn answer(conversation: &str, marketing: bool) -> Body {
    Body::Answer(Answer { conversation_id: conversation.to_owned(), text: "42".into(), marketing })
}

#[tokio::test]
async fn each_agent_is_told_what_a_customer_wrote() {
    let stage = Stage::new().await;
    stage.plugin("other", PluginKind::Agent).await;
    let conversation = stage.john_writes("m1", "help").await;
    let message = stage.newest(&conversation).await;
    for agent in ["bot", "other"] {
        let owed = stage.owed(agent).await;
        assert_eq!((owed.len(), owed[0].key.as_str()), (1, conversation.as_str()));
        let (delivery, parts) = stage.delivery(&owed[0], able()).await;
        let Some(delivery::Body::CustomerWrote(told)) = delivery.body else { panic!("another") };
        assert_eq!((told.text.as_str(), told.message_id, parts), ("help", message.id, 1));
        assert_eq!((told.source.as_str(), told.customer_name.as_str()), ("telegram", "John Doe"));
        assert_eq!(
            (told.customer_user_id, told.conversation_id),
            (message.sender.clone().unwrap().id, conversation.clone())
        );
        assert_eq!((delivery.account.as_str(), delivery.customer_id.as_str()), ("", ""));
    }
}

#[tokio::test]
async fn what_a_backend_sends_as_the_customer_is_told_too_and_answers_are_not() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    let customer = stage.newest(&conversation).await.sender.unwrap().id;
    stage.say(&customer, &conversation, "hello?").await;
    stage.say("ann", &conversation, "yes?").await;
    assert_eq!(stage.owed("bot").await.len(), 2);
}

#[tokio::test]
async fn what_was_deleted_is_not_told_any_more() {
    let stage = Stage::new().await;
    let conversation_id = stage.john_writes("m1", "oops").await;
    let message = stage.newest(&conversation_id).await;
    let delete =
        DeleteMessageRequest { message_id: message.id, conversation_id, user_id: message.sender.unwrap().id };
    let delete = Delete::read(delete).unwrap();
    stage.write(|tx| delete.run(tx)).await.unwrap();
    let owed = stage.owed("bot").await.remove(0);
    assert_eq!(stage.prepare(&owed, able()).await, Prepared::Nothing);
}

#[tokio::test]
async fn an_answer_is_shown_and_goes_out() {
    let stage = Stage::new().await;
    let conversation = stage.john_writes("m1", "help").await;
    for (marketing, author) in [(false, Author::Ai), (true, Author::Marketing)] {
        let verdict = stage.push("bot", answer(&conversation, marketing)).await.unwrap();
        assert_eq!(verdict, Verdict::Accepted);
        let message = stage.newest(&conversation).await;
        assert_eq!((message.author(), message.delivery_status()), (author, DeliveryStatus::Pending));
        let sender = message.sender.unwrap();
        assert_eq!((sender.id.as_str(), sender.name.as_str()), ("agent:bot", "bot"));
    }
    assert_eq!(stage.owed("telegram").await.len(), 2);
    assert!(stage.messages(&conversation).await[0].is_answered);
}

#[tokio::test]
async fn an_agent_answers_customers_and_nobody_else() {
    let stage = Stage::new().await;
    stage.john_writes("m1", "help").await;
    assert!(stage.push("bot", answer("nowhere", false)).await.is_err());
    assert!(stage.push("bot", answer("", false)).await.is_err());
    let open_pair = |tx: &mut Tx<'_>| {
        let pair = [users::get(tx, "ann")?, users::get(tx, "ben")?];
        creation::open_pair(tx, pair, &Settings::default())
    };
    let pair = stage.write(open_pair).await.unwrap();
    assert!(stage.push("bot", answer(&pair, false)).await.is_err());
}
