//! Row 14: a plugin is killed, and stands still: Telegram's, a process of its own between customers and chat.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use causeway_proto::chat::{Author, ListConversationsRequest, ListMessagesRequest, chat_client::ChatClient};
use rand::Rng;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    options::Length,
    outcome::{Failure, Outcome, Tally, check},
    process::free_address,
    row::Row,
    stage::{
        Deployment, Part, Scene,
        telegram::{Bot, Person, Telegram},
        until,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 14,
    name: "plugin-crash",
    must_hold: "what a plugin did not get rid of comes again, and is taken once, in order",
    control: "the provider loses what it had handed out when the plugin died",
    short: 4,
    long: 200,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// The plugin's process.
const PLUGIN: &str = "telegram";
const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
/// Customers who write.
const CUSTOMERS: i64 = 10;
/// What each of them writes in a round.
const EACH: i64 = 20;
/// How long everything may take to arrive once the plugin runs.
const ARRIVED: Duration = Duration::from_secs(60);
/// Between two messages of a customer.
const PACE: Duration = Duration::from_millis(25);

async fn run(trial: &mut Trial) -> Outcome {
    let telegram = Telegram::start().await;
    let bot = telegram.add_bot(TOKEN, "shop_bot");
    let mut deployment = Deployment::single(trial.home(), &trial.place("data")?);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let bots = format!("[{{account = \"shop_bot\", token = \"{TOKEN}\"}}]");
    let plugin = Part::new(PLUGIN, "plugin").with(&["telegram"]).set("plugins.telegram.api", telegram.url());
    deployment.plan(plugin.set("plugins.telegram.bots", bots).set("plugins.listen", free_address()));
    deployment.start(PLUGIN)?;
    let still = Duration::from_secs(if trial.length == Length::Long { 30 } else { 2 });
    let (mut written, mut deaths, mut pauses) = (0, 0, 0);
    for round in 1..=trial.rounds {
        let strike = trial.chance.random_range(0..EACH);
        for number in 0..EACH {
            write(&bot, written + number, trial.control && number == EACH / 2);
            if number == strike && round % 4 == 0 {
                pauses += 1;
                deployment.signal(PLUGIN, Signal::STOP)?;
            } else if number == strike {
                deaths += 1;
                deployment.kill(PLUGIN);
                deployment.start(PLUGIN)?;
            }
            sleep(PACE).await;
        }
        written += EACH;
        if round % 4 == 0 {
            sleep(still).await;
            deployment.signal(PLUGIN, Signal::CONT)?;
        }
        trial.say(format_args!("round {round}: {written} messages of each customer, {} wait", bot.pending()));
    }
    let begun = Instant::now();
    let is_empty = async || Ok(bot.pending() == 0);
    until("everything was taken", ARRIVED, is_empty)
        .await
        .map_err(|error| Failure::Broken(format!("{error:#}")))?;
    let wanted: Vec<_> = (0..written).map(|number| number.to_string()).collect();
    let all = history(&scene).await?;
    check!(
        all.len() == CUSTOMERS as usize,
        "{CUSTOMERS} customers wrote, and there are conversations of {}",
        all.len()
    );
    for (customer, stored) in all {
        check!(stored == wanted, "{customer} wrote 0 to {}, and stored is {stored:?}", written - 1);
    }
    Ok(Tally::new()
        .with("kills", deaths)
        .with("pauses", pauses)
        .with("messages, each stored once and in order", written * CUSTOMERS)
        .with("ms until the last had arrived", begun.elapsed().as_millis()))
}

/// Every customer writes a number; the provider may lose what the first one wrote.
fn write(bot: &Bot, number: i64, loses: bool) {
    for customer in i64::from(loses)..CUSTOMERS {
        let person = Person::new(8_000 + customer, &format!("Customer{customer}"));
        bot.customer_writes(&person, &number.to_string());
    }
}

/// What each customer wrote, as it is stored.
async fn history(scene: &Scene) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut chat = ChatClient::new(scene.grpc.clone());
    let request = ListConversationsRequest { limit: 100, ..Default::default() };
    let conversations = chat.list_conversations(request).await?.into_inner().conversations;
    let mut all = BTreeMap::new();
    for conversation in conversations {
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let (conversation_id, limit) = (conversation.id.clone(), 100);
            let request = ListMessagesRequest { conversation_id, before, limit, ..Default::default() };
            let page = chat.list_messages(request).await?.into_inner();
            before = page.messages.first().map(|message| message.id);
            let by_customer = page.messages.iter().filter(|message| message.author() == Author::Customer);
            pages.push(by_customer.map(|message| message.content.clone()).collect::<Vec<_>>());
            if !page.has_more {
                break;
            }
        }
        let name = conversation.customer.map(|customer| customer.first_name).unwrap_or_default();
        all.insert(name, pages.into_iter().rev().flatten().collect());
    }
    Ok(all)
}
