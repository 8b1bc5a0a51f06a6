//! A plugin of somebody else's, on the SDK: an agent that answers customers of a channel.

use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Undelivered, event,
    proto::{
        client::{Credential, remote},
        plugin::{Answer, Capabilities, Delivery, PluginKind, delivery, inbound_event},
    },
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::stage::{Desk, content};
use crate::telegram::Person;

/// Repeats what customers write, louder.
struct Echo;

impl Plugin for Echo {
    fn profile(&self) -> Profile {
        let (name, version) = ("echo".to_owned(), "1".to_owned());
        Profile { name, version, kind: PluginKind::Agent, capabilities: Capabilities::default() }
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        let Some(delivery::Body::CustomerWrote(wrote)) = delivery.body else {
            return Err(Undelivered::permanent("unasked", "an agent reads, and no more"));
        };
        let conversation_id = wrote.conversation_id.clone();
        let answer = Answer { conversation_id, text: wrote.text.to_uppercase(), marketing: false };
        let (id, body) = (format!("answer/{}", wrote.message_id), inbound_event::Body::Answer(answer));
        host.push(event("echo", id, wrote.conversation_id, body)).await?;
        Ok(Sent::default())
    }
}

/// Lets the agent in and runs it.
async fn run(desk: &Desk, stop: CancellationToken) -> JoinHandle<()> {
    let token = desk.causeway.run_well(&["plugin", "add", "echo", "--kind", "agent"]).await;
    let credential = Credential::bearer(token.trim()).unwrap();
    let host = remote(&format!("http://{}", desk.causeway.at.chat), credential).unwrap();
    let mut runtime = Runtime::new(RuntimeOptions::default(), stop);
    runtime.add(Echo, host);
    tokio::spawn(runtime.run())
}

#[tokio::test]
async fn an_agent_answers_a_customer_on_the_customers_channel() {
    let desk = Desk::open().await;
    let stop = CancellationToken::new();
    let running = run(&desk, stop.clone()).await;
    let john = Person::new(7_100, "John").last_name("Doe");
    let (mut chat, _) = desk.meets(&john, "hello").await;
    desk.bot.has_sent(1, std::time::Duration::from_secs(10)).await;
    assert_eq!(desk.bot.sent()[0].text, "HELLO");

    desk.bot.customer_writes(&john, "anybody?");
    let written = chat.gather("chat_message", 1).await.remove(0);
    let answer = match content(&written) {
        // The first answer may come after the socket was opened.
        "HELLO" => chat.gather("chat_message", 2).await.remove(1),
        _ => chat.gather("chat_message", 1).await.remove(0),
    };
    assert_eq!(content(&answer), "ANYBODY?");
    assert_eq!(answer["message"]["type"], "AI");
    assert_eq!(answer["message"]["is_ai_response"], json!(true));
    stop.cancel();
    running.await.unwrap();
}
