//! What comes in and goes out is neither lost nor doubled while processes are killed.
//!
//! `E2E_STREAM` says how many messages go each way (default 600; `E2E_STREAM=5000` takes some minutes).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use causeway_proto::{
    chat::{
        Author, ListConversationsRequest, ListMessagesRequest, Message, SendMessageRequest,
        chat_client::ChatClient,
    },
    client::Grpc,
};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::stage::Desk;
use crate::{
    stage::{Causeway, Setup, eventually, with_token},
    telegram::{Bot, Person},
};

const CUSTOMERS: i64 = 10;

/// The parts that are killed at random.
const VICTIMS: [&str; 3] = ["telegram", "chat", "bridge"];

/// How long everything may take to arrive after the last kill.
const PATIENCE: Duration = Duration::from_secs(120);

fn stream() -> i64 {
    std::env::var("E2E_STREAM").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

fn customer(number: i64) -> Person {
    Person::new(8_000 + number, &format!("Customer{number}"))
}

/// The conversations of the customers, in their order.
async fn conversations(causeway: &Causeway) -> Vec<String> {
    let request = ListConversationsRequest { limit: 100, ..ListConversationsRequest::default() };
    let list = causeway.chat().list_conversations(request).await.unwrap().into_inner().conversations;
    let by_name: BTreeMap<String, String> =
        list.into_iter().map(|it| (it.customer.unwrap().first_name, it.id)).collect();
    (0..CUSTOMERS).map(|number| by_name[&format!("Customer{number}")].clone()).collect()
}

/// All customers write, a little apart.
fn customers_write(bot: Bot, count: i64) -> JoinHandle<()> {
    tokio::spawn(async move {
        for number in 0..count {
            bot.customer_writes(&customer(number % CUSTOMERS), &format!("in {number}"));
            if number % 5 == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    })
}

/// Support answers; each message is sent under its key until it is stored.
fn support_answers(chat: ChatClient<Grpc>, sue: String, ids: Vec<String>, count: i64) -> JoinHandle<()> {
    let runtime = tokio::runtime::Handle::current();
    let answers = async move || {
        for number in 0..count {
            let request = SendMessageRequest {
                conversation_id: ids[usize::try_from(number % CUSTOMERS).unwrap()].clone(),
                sender_id: sue.clone(),
                content: format!("out {number}"),
                client_message_id: format!("out {number}"),
                ..SendMessageRequest::default()
            };
            while chat.clone().send_message(request.clone()).await.is_err() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if number % 5 == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    // On a thread of its own, because the compiler cannot see that calls may change threads.
    tokio::task::spawn_blocking(move || runtime.block_on(answers()))
}

/// A support person's list, across reconnects: what customers wrote, as often as it was told.
fn watch(url: String) -> (JoinHandle<()>, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = told.clone();
    let watching = tokio::spawn(async move {
        let mut since = String::new();
        loop {
            if let Ok((mut socket, _)) =
                tokio_tungstenite::connect_async(format!("{url}&since={since}")).await
            {
                while let Some(Ok(frame)) = socket.next().await {
                    let Ok(frame) = serde_json::from_str::<Value>(frame.to_text().unwrap_or_default()) else {
                        continue;
                    };
                    if let Some(id) = frame["event_id"].as_str() {
                        since = id.to_owned();
                    }
                    if frame["type"] == "new_customer_message" {
                        heard.lock().unwrap().push(frame["message"]["content"].as_str().unwrap().to_owned());
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    (watching, told)
}

/// Kills parts at random until all streams have ended.
async fn kill_meanwhile(causeway: &mut Causeway, streams: &[&JoinHandle<()>]) -> HashMap<&'static str, u32> {
    let mut kills = HashMap::new();
    let mut dice = u64::from(std::process::id()) | 1;
    while streams.iter().any(|stream| !stream.is_finished()) {
        // George Marsaglia's xorshift.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        tokio::time::sleep(Duration::from_millis(300 + dice % 700)).await;
        let victim = VICTIMS[usize::try_from(dice % 3).unwrap()];
        causeway.kill(victim);
        *kills.entry(victim).or_default() += 1;
        causeway.start_again_without_waiting(victim);
    }
    kills
}

/// Everything in a conversation, oldest first.
async fn history(chat: &mut ChatClient<Grpc>, conversation_id: &str) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let before = all.first().map(|message| message.id);
        let conversation_id = conversation_id.to_owned();
        let request = ListMessagesRequest { conversation_id, before, limit: 100, ..Default::default() };
        let page = chat.list_messages(request).await.unwrap().into_inner();
        all.splice(0..0, page.messages);
        if !page.has_more {
            return all;
        }
    }
}

/// The numbers in texts such as "in 7".
fn numbers<'a>(texts: impl IntoIterator<Item = &'a str>, way: &str) -> Vec<i64> {
    texts.into_iter().filter_map(|text| text.strip_prefix(way)?.trim().parse().ok()).collect()
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_plugin_chat_and_bridge_are_killed() {
    let count = stream();
    let mut desk = Desk::with(Setup::default().split().set("bridge.rate.frames_per_second", 0)).await;
    let mut list = desk.list().await;
    for number in 0..CUSTOMERS {
        desk.bot.customer_writes(&customer(number), "hello");
    }
    list.gather("new_customer_message", usize::try_from(CUSTOMERS).unwrap()).await;
    let ids = conversations(&desk.causeway).await;
    let token = desk.causeway.token(&desk.sue.id).await;
    let path = with_token("/ws/conversations/", &token);
    let (watching, told) = watch(format!("ws://{}{path}", desk.causeway.at.bridge));

    // A reconnect needs an event id to go on from.
    eventually("the list is told something", async || {
        desk.bot.customer_writes(&customer(0), "knock");
        !told.lock().unwrap().is_empty()
    })
    .await;

    let incoming = customers_write(desk.bot.clone(), count);
    let outgoing = support_answers(desk.causeway.chat(), desk.sue.id.clone(), ids.clone(), count);
    let kills = kill_meanwhile(&mut desk.causeway, &[&incoming, &outgoing]).await;
    desk.causeway.start_again().await;
    let deadline = Instant::now() + PATIENCE;
    let outbox =
        async || desk.causeway.run_well(&["outbox", "list", "--kind", "plugin/telegram", "--json"]).await;
    while desk.bot.pending() > 0 || outbox().await.trim() != "[]" {
        assert!(Instant::now() < deadline, "{} updates wait; {}", desk.bot.pending(), outbox().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let sent = desk.bot.sent();
    let mut chat = desk.causeway.chat();
    let mut doubled = 0;
    for (number, id) in (0..CUSTOMERS).zip(&ids) {
        let wanted: Vec<i64> = (0..count).filter(|it| it % CUSTOMERS == number).collect();
        let stored = history(&mut chat, id).await;
        let written =
            stored.iter().filter(|it| it.author() == Author::Customer).map(|it| it.content.as_str());
        assert_eq!(numbers(written, "in"), wanted, "what customer {number} wrote, once and in order");
        let answers: Vec<&Message> = stored.iter().filter(|it| it.author() == Author::Support).collect();
        assert_eq!(numbers(answers.iter().map(|it| it.content.as_str()), "out"), wanted);

        let reached = sent.iter().filter(|it| it.chat_id == customer(number).id).map(|it| it.text.as_str());
        let mut reached = numbers(reached, "out");
        let uncertain: Vec<i64> = numbers(
            answers.iter().filter(|it| it.delivery_error.contains("uncertain")).map(|it| it.content.as_str()),
            "out",
        );
        let all = reached.len();
        reached.dedup();
        doubled += all - reached.len();
        assert_eq!(reached, wanted, "what reached customer {number}, in order");
        for twice in wanted.iter().filter(|it| count_of(&sent, number, **it) > 1) {
            assert!(uncertain.contains(twice), "out {twice} was sent twice and is not marked");
        }
    }
    let mut heard = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while heard.len() < usize::try_from(count).unwrap() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
        heard = numbers(told.lock().unwrap().iter().map(String::as_str), "in");
    }
    watching.abort();
    heard.sort_unstable();
    assert_eq!(heard, (0..count).collect::<Vec<_>>(), "each message was told once, across reconnects");
    println!("{count} messages each way, kills: {kills:?}, sent twice and marked: {doubled}");
}

/// How often a message reached a customer.
fn count_of(sent: &[crate::telegram::SentMessage], number: i64, message: i64) -> usize {
    let text = format!("out {message}");
    sent.iter().filter(|it| it.chat_id == customer(number).id && it.text == text).count()
}
