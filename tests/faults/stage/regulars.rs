//! A plugin whose customers write one after the other and are answered, whatever happens to those in between: what was accepted
//! must be stored once and in order, and every answer handed on, in order.

mod book;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Settled, Undelivered, event,
    proto::{
        client::{self, Credential},
        plugin::{
            AddPluginRequest, Capabilities, Customer, CustomerMessage, Delivery, PluginKind,
            delivery::Body as Handed, inbound_event::Body, plugins_client::PluginsClient,
        },
    },
};
use causeway_proto::chat::{
    PutUserRequest, SendMessageRequest, chat_client::ChatClient, directory_client::DirectoryClient,
};
use futures_util::FutureExt;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use self::book::{Book, conversations, history};
use super::{Scene, until};
use crate::outcome::{Failure, check};

/// How many customers there are.
const CUSTOMERS: usize = 6;
/// Between two messages of a customer, and between two answers.
const PACE: Duration = Duration::from_millis(100);
/// Who answers.
const OPERATOR: &str = "operator";
/// How long everything may take to arrive once nothing is hurt.
const ARRIVED: Duration = Duration::from_secs(30);

/// The plugin, attached or on its way there, and who answers its customers.
pub(crate) struct Regulars {
    shared: Arc<Shared>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    answering: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    writes: AtomicBool,
    books: Mutex<[Book; CUSTOMERS]>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Account {
    /// Messages of customers that were settled.
    pub(crate) settled: usize,
    /// Answers that were stored, and handed on.
    pub(crate) answers: usize,
    /// Answers that were handed on more than once, and marked as such.
    pub(crate) again: usize,
}

struct Shop(Arc<Shared>);

impl Regulars {
    /// Lets the plugin in, which attaches to the chat at `url`. Nobody writes yet.
    pub(crate) async fn attach(scene: &Scene, url: &str) -> anyhow::Result<Self> {
        let kind = PluginKind::Channel.into();
        let request = AddPluginRequest { name: "regulars".into(), kind, ..Default::default() };
        let added = PluginsClient::new(scene.grpc.clone()).add_plugin(request).await?.into_inner();
        let credential = Credential::bearer(&added.token).context("the token fits no header")?;
        let add_audiences = vec!["helpdesk".to_owned()];
        let operator = PutUserRequest { id: OPERATOR.into(), add_audiences, ..Default::default() };
        DirectoryClient::new(scene.grpc.clone()).put_user(operator).await?;
        let (shared, stop) = (Arc::<Shared>::default(), CancellationToken::new());
        let options = RuntimeOptions { drain: Duration::from_millis(100), ..RuntimeOptions::default() };
        let mut runtime = Runtime::new(options, stop.clone());
        runtime.add(Shop(Arc::clone(&shared)), client::remote(url, credential)?);
        let answering = tokio::spawn(answer(scene.clone(), Arc::clone(&shared)));
        Ok(Self { shared, stop, running: tokio::spawn(runtime.run()), answering })
    }

    /// Whether they write.
    pub(crate) fn write(&self, writes: bool) {
        self.shared.writes.store(writes, Relaxed);
    }

    /// Has everybody finish, and compares what was said with what is stored and with what arrived.
    pub(crate) async fn settle(&self, scene: &Scene) -> Result<Account, Failure> {
        self.write(false);
        // Whatever was begun when they were told.
        sleep(PACE).await;
        let finished = async || Ok(self.books().iter().all(Book::is_finished));
        if let Err(error) = until("the plugin has finished", ARRIVED, finished).await {
            let books: Vec<_> = self.books().iter().map(Book::to_string).collect();
            return Err(Failure::Broken(format!("{error:#}: {}", books.join("; "))));
        }
        let (mut all, history) = (Account::default(), history(scene).await?);
        for (customer, book) in self.books().iter().enumerate() {
            let name = name(customer);
            let (of_customer, of_operator) = history.get(&name).cloned().unwrap_or_default();
            check!(book.refused.is_none(), "of {name} something was refused: {:?}", book.refused);
            check!(
                of_customer == numbers(book.settled),
                "{name} wrote 0 to {}, stored is {of_customer:?}",
                book.settled
            );
            check!(
                of_operator == numbers(book.stored),
                "{name} was answered {} times, stored is {of_operator:?}",
                book.stored
            );
            let once = book.once();
            check!(
                once == numbers(book.stored),
                "{name} was answered {} times, handed on was {:?}",
                book.stored,
                book.handed
            );
            check!(book.unmarked == 0, "{name}: {} answers were handed on again, unmarked", book.unmarked);
            all.settled += book.settled;
            all.answers += book.stored;
            all.again += book.handed.len() - once.len();
        }
        Ok(all)
    }

    /// Has it leave.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.answering.abort();
        // How it ends is not what is tried.
        drop(self.running.await);
    }

    fn books(&self) -> [Book; CUSTOMERS] {
        self.shared.books.lock().expect("no poison").clone()
    }
}

impl Plugin for Shop {
    fn profile(&self) -> Profile {
        let (name, version) = ("regulars".to_owned(), "1".to_owned());
        Profile { name, version, kind: PluginKind::Channel, capabilities: Capabilities::default() }
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        let mut customers = JoinSet::new();
        for customer in 0..CUSTOMERS {
            customers.spawn(write(host.clone(), Arc::clone(&self.0), customer));
        }
        stop.run_until_cancelled(customers.join_all()).await;
    }

    async fn deliver(&self, _: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        let place = (0..CUSTOMERS).find(|place| name(*place) == delivery.customer_id);
        if let (Some(place), Some(Handed::Text(text))) = (place, delivery.body) {
            let number = text.text.parse().unwrap_or(usize::MAX);
            let book = &mut self.0.books.lock().expect("no poison")[place];
            book.unmarked += usize::from(book.handed.contains(&number) && !delivery.uncertain);
            book.handed.push(number);
        }
        Ok(Sent::default())
    }
}

/// A customer writes, each message until it is settled.
async fn write(host: Host, shared: Arc<Shared>, customer: usize) {
    loop {
        sleep(PACE).await;
        if !shared.writes.load(Relaxed) {
            continue;
        }
        let number = {
            let book = &mut shared.books.lock().expect("no poison")[customer];
            book.written += 1;
            book.written - 1
        };
        let id = format!("{}-{number}", name(customer));
        let who = Customer { id: name(customer), first_name: name(customer), ..Customer::default() };
        let (message_id, text) = (id.clone(), number.to_string());
        let message = CustomerMessage { customer: Some(who), message_id, text, ..CustomerMessage::default() };
        let Ok(settled) = host.push(event("shop", id, name(customer), Body::CustomerMessage(message))).await
        else {
            return;
        };
        let book = &mut shared.books.lock().expect("no poison")[customer];
        book.settled += 1;
        if let Settled::Ignored(why) | Settled::Rejected(why) = settled {
            book.refused = Some(why);
        }
    }
}

/// Somebody answers each customer in turn, each answer until it is stored. Calls are boxed, because the compiler cannot see that
/// they may change threads.
async fn answer(scene: Scene, shared: Arc<Shared>) {
    let mut rooms = BTreeMap::new();
    for turn in 0.. {
        sleep(PACE / 2).await;
        let customer = turn % CUSTOMERS;
        if rooms.len() < CUSTOMERS {
            // Those who have not written have none yet; and whoever cannot be asked now is asked at the next turn.
            rooms = conversations(&scene).await.unwrap_or(rooms);
        }
        let Some(room) = rooms.get(&name(customer)).filter(|_| shared.writes.load(Relaxed)) else { continue };
        let number = {
            let book = &mut shared.books.lock().expect("no poison")[customer];
            book.answered += 1;
            book.answered - 1
        };
        let request = SendMessageRequest {
            conversation_id: room.clone(),
            sender_id: OPERATOR.into(),
            content: number.to_string(),
            client_message_id: format!("answer-{customer}-{number}"),
            ..Default::default()
        };
        while ChatClient::new(scene.grpc.clone()).send_message(request.clone()).boxed().await.is_err() {
            sleep(PACE).await;
        }
        shared.books.lock().expect("no poison")[customer].stored += 1;
    }
}

fn name(customer: usize) -> String {
    format!("regular-{customer}")
}

fn numbers(count: usize) -> Vec<usize> {
    (0..count).collect()
}
