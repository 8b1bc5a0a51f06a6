//! A hundred thousand answers that wait while nobody can send them: they survive a kill, and then go out at the provider's
//! limit in bounded memory.

use std::time::Duration;

use causeway_proto::chat::{
    ListConversationsRequest, SendMessageRequest, SendMessagesRequest, chat_client::ChatClient,
};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::{
    report::{Report, Row, Target},
    scene::Scene,
    server::{Server, directory},
    telegram::{Bot, Person, Telegram},
};

const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const QUEUED: usize = 100_000;
const CUSTOMERS: usize = 100;
const BATCH: usize = 250;
/// Messages a second that the provider takes. Telegram's own 30 would take an hour.
const LIMIT: usize = 1_000;
/// What the plugin is set to: as much below the limit as its default is below Telegram's.
const PACE: usize = LIMIT * 29 / 30;

/// Measures how close to the limit it gets, and how much memory grows.
pub(crate) async fn measure(report: &mut Report) {
    let telegram = Telegram::start().await;
    let bot = telegram.add_bot(TOKEN, "shop_bot");
    let settings = format!(
        "[plugins.telegram]\napi = \"{}\"\nper_second = {PACE}\nchat_per_second = 100\n\
         [[plugins.telegram.bots]]\naccount = \"shop_bot\"\ntoken = \"{TOKEN}\"\n",
        telegram.url()
    );
    let server = Server::with(&settings, directory()).await;
    let conversations = meet(&server, &bot).await;

    // Nobody sends them now.
    let server = Server::with("", server.kill()).await;
    queue(&server, &conversations).await;
    let data = server.kill();

    bot.limit_rate(LIMIT);
    bot.record(false);
    let server = Server::with(&settings, data).await;
    let begun = Instant::now();
    let (first, mut most) = (server.resident(), 0.0_f64);
    while bot.sent_count() < QUEUED as u64 {
        sleep(Duration::from_millis(250)).await;
        most = most.max(server.resident());
        assert!(begun.elapsed() < Duration::from_secs(600), "{} of {QUEUED} went out", bot.sent_count());
    }
    let rate = QUEUED as f64 / begun.elapsed().as_secs_f64();
    let mut row = |figure: &str, value, unit, target| {
        report.add(Row { figure: format!("{QUEUED} queued deliveries: {figure}"), value, unit, target });
    };
    row("share of the provider's limit", rate / LIMIT as f64, "of 1", Some(Target::AtLeast(0.9)));
    row("refused by the provider as too fast", bot.too_fast() as f64, "calls", None);
    row("memory at the start", first / 1_024.0, "MiB", None);
    row("growth of memory", (most - first) / 1_024.0, "MiB", Some(Target::AtMost(64.0)));
    row("sent in all", bot.sent_count() as f64, "messages", None);
    server.stop().await;
}

/// Each customer writes once; their conversations.
async fn meet(server: &Server, bot: &Bot) -> Vec<String> {
    let scene = Scene::new(server);
    scene.support_person().await;
    for number in 0..CUSTOMERS {
        bot.customer_writes(&Person::new(7_000 + number as i64, "Load"), "hello");
    }
    let mut chat = ChatClient::new(scene.grpc());
    loop {
        let request =
            ListConversationsRequest { limit: CUSTOMERS as u32, ..ListConversationsRequest::default() };
        let list = chat.list_conversations(request).await.expect("a list").into_inner().conversations;
        if list.len() == CUSTOMERS && bot.pending() == 0 {
            return list.into_iter().map(|conversation| conversation.id).collect();
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn queue(server: &Server, conversations: &[String]) {
    let scene = Scene::new(server);
    let batches = stream::iter(0..QUEUED / BATCH).map(|batch| {
        let mut chat = ChatClient::new(scene.grpc());
        let messages = (0..BATCH).map(|number| message(conversations, batch * BATCH + number)).collect();
        async move {
            let request = SendMessagesRequest { messages };
            let sent = chat.send_messages(request).await.expect("they are stored").into_inner();
            assert_eq!(sent.outcomes.len(), BATCH);
        }
    });
    batches.buffer_unordered(4).for_each(async |()| {}).await;
}

fn message(conversations: &[String], number: usize) -> SendMessageRequest {
    SendMessageRequest {
        conversation_id: conversations[number % conversations.len()].clone(),
        sender_id: "support-person".into(),
        content: format!("Answer {number}"),
        ..SendMessageRequest::default()
    }
}
