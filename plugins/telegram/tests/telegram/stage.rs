//! The language of these tests: a plugin that runs, with Telegram on its one side and a host on the other.

use std::{
    io::Write,
    num::NonZeroU32,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use causeway_plugin_sdk::{
    CancellationToken, Runtime, RuntimeOptions,
    proto::plugin::{
        AccountState, CustomerMessage, Delivery, DeliveryReport, DeliveryState, File, FileDelivery,
        InboundEvent, TextDelivery, delivery, inbound_event::Body,
    },
    testing::HostStandIn,
};
use causeway_telegram::{Bot as BotSettings, Mode, Pace, Secret, Settings, Telegram as Plugin};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    telegram::{Bot, Person, Telegram},
    until::until,
};

pub(crate) const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
pub(crate) const OTHER_TOKEN: &str = "220301544:BBIerUdwDI2wHXKygTfpgTBt1L6QBMEtbx";
pub(crate) const WEBHOOK_SECRET: &str = "open_sesame-42";
pub(crate) const SUPPORT: &str = "support_bot";
pub(crate) const SALES: &str = "sales_bot";

/// Everything that a test needs.
pub(crate) struct Stage {
    pub(crate) telegram: Telegram,
    /// [`SUPPORT`]'s bot.
    pub(crate) bot: Bot,
    pub(crate) host: HostStandIn,
    /// Where the plugins' listener is.
    pub(crate) public_url: String,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Stage {
    /// One bot, which works and waits for updates.
    pub(crate) async fn start() -> Self {
        let stage = Self::with(|_| {}).await;
        stage.works(SUPPORT).await;
        until("the bot waits for updates", || stage.bot.calls("getUpdates") > 0).await;
        stage
    }

    /// One bot, to which updates are brought.
    pub(crate) async fn with_webhook() -> Self {
        let secret_token = Secret::new(WEBHOOK_SECRET).unwrap();
        let stage = Self::with(|settings| settings.bots[0].mode = Mode::Webhook { secret_token }).await;
        stage.works(SUPPORT).await;
        stage
    }

    /// With other settings than those of a single bot.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let telegram = Telegram::start().await;
        let bot = telegram.add_bot(TOKEN, SUPPORT);
        Self::between(telegram, bot, change).await
    }

    pub(crate) async fn between(telegram: Telegram, bot: Bot, change: impl FnOnce(&mut Settings)) -> Self {
        logged();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let mut settings = Settings::new(
            &public_url,
            Secret::new("a secret of files").unwrap(),
            vec![polling(SUPPORT, TOKEN)],
        );
        settings.api = telegram.url();
        settings.poll_timeout = Duration::from_secs(1);
        settings.request_timeout = Duration::from_secs(2);
        settings.pace = pace(10_000, 10_000);
        change(&mut settings);
        let (host, grpc) = HostStandIn::start();
        let stop = CancellationToken::new();
        let options = RuntimeOptions { listener: Some(listener), ..RuntimeOptions::default() };
        let mut runtime = Runtime::new(options, stop.clone());
        runtime.add(Plugin::new(&settings).unwrap(), grpc);
        let running = tokio::spawn(runtime.run());
        Self { telegram, bot, host, public_url, stop, running }
    }

    /// Waits until an account works.
    pub(crate) async fn works(&self, account: &str) {
        self.is(account, AccountState::Connected).await;
    }

    /// Waits until an account is in a state; the advice.
    pub(crate) async fn is(&self, account: &str, state: AccountState) -> String {
        self.host.account_when(account, |report| report.state() == state).await.advice
    }

    /// The next event, which is a message.
    pub(crate) async fn next_message(&self) -> CustomerMessage {
        match self.host.next_event().await.body {
            Some(Body::CustomerMessage(message)) => message,
            other => panic!("a message: {other:?}"),
        }
    }

    /// Nothing comes for a while.
    pub(crate) async fn nothing_comes(&self) {
        let event = self.host.event_within(Duration::from_millis(300)).await;
        assert_eq!(event, None);
    }

    /// Sends a text to a customer.
    pub(crate) async fn send(&self, person: &Person, text: &str) -> DeliveryReport {
        self.deliver(person, text_body(text, "")).await
    }

    pub(crate) async fn deliver(&self, person: &Person, body: delivery::Body) -> DeliveryReport {
        self.host.deliver(delivery(SUPPORT, person, body)).await
    }

    /// A customer who has written, which has come.
    pub(crate) async fn customer(&self, id: i64, name: &str) -> Person {
        let person = Person::new(id, name);
        self.bot.customer_writes(&person, "Hello");
        self.next_message().await;
        person
    }

    /// Stops the plugin, and waits for it.
    pub(crate) async fn stop(self) -> (Telegram, Bot) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.running).await.unwrap().unwrap();
        (self.telegram, self.bot)
    }
}

pub(crate) fn polling(account: &str, token: &str) -> BotSettings {
    BotSettings { account: account.to_owned(), token: Secret::new(token).unwrap(), mode: Mode::Polling }
}

pub(crate) fn pace(per_second: u32, chat_per_second: u32) -> Pace {
    let [per_second, chat_per_second] = [per_second, chat_per_second].map(|it| NonZeroU32::new(it).unwrap());
    Pace { per_second, chat_per_second, chat_burst: NonZeroU32::MIN }
}

pub(crate) fn delivery(account: &str, person: &Person, body: delivery::Body) -> Delivery {
    let customer_id = person.id.to_string();
    Delivery {
        account: account.to_owned(),
        partition: format!("{account}/{customer_id}"),
        customer_id,
        body: Some(body),
        ..Delivery::default()
    }
}

pub(crate) fn text_body(text: &str, reply_to: &str) -> delivery::Body {
    let (text, reply_to) = (text.to_owned(), reply_to.to_owned());
    delivery::Body::Text(TextDelivery { text, reply_to, ..TextDelivery::default() })
}

pub(crate) fn file_body(kind: &str, url: &str, name: &str) -> delivery::Body {
    let (kind, url, name) = (kind.to_owned(), url.to_owned(), name.to_owned());
    let file = File { url, kind, name, ..File::default() };
    delivery::Body::File(FileDelivery { file: Some(file), ..FileDelivery::default() })
}

/// The message's id at Telegram, of a delivery that arrived.
#[track_caller]
pub(crate) fn sent(report: &DeliveryReport) -> String {
    assert_eq!(report.state(), DeliveryState::Sent, "{report:?}");
    report.provider_message_id.clone()
}

/// What an event is called, for one that means nothing.
pub(crate) fn unknown(event: InboundEvent) -> String {
    match event.body {
        Some(Body::Unknown(unknown)) => unknown.kind,
        other => panic!("nothing that is known: {other:?}"),
    }
}

/// What all tests of this process have logged, on every level.
pub(crate) fn logged() -> Arc<Mutex<Vec<u8>>> {
    static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || Writer(writer.clone()))
            .init();
        log
    });
    log.clone()
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
