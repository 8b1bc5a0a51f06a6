//! The language that the tests are written in.

use std::time::{Duration, SystemTime};

use causeway_instagram::{Account, Instagram as Plugin, Secret, Settings};
use causeway_plugin_sdk::{
    CancellationToken, Runtime, RuntimeOptions,
    proto::plugin::{
        CustomerMessage, Delivery, DeliveryReport, InboundEvent, TextDelivery, Voice, delivery,
        inbound_event::Body,
    },
    testing::HostStandIn,
};
use tokio::net::TcpListener;

use crate::stand_in::{APP_ID, APP_SECRET, Instagram};

pub(crate) const SHOP: &str = "17841400000000001";
pub(crate) const TOKEN: &str = "IGAAshophunter2";
pub(crate) const VERIFY_TOKEN: &str = "verify-hunter3";
/// A customer with a profile.
pub(crate) const PETER: &str = "1254459154682919";
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Instagram, a running plugin and its host. The plugin's one account is called "shop".
pub(crate) struct Stage {
    pub(crate) instagram: Instagram,
    pub(crate) host: HostStandIn,
    pub(crate) callback: String,
    pub(crate) stop: CancellationToken,
}

impl Stage {
    /// With usual settings, subscribed, and Peter Chang known to Instagram.
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// With other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let instagram = Instagram::start().await;
        instagram.add_account(SHOP, "the_shop", TOKEN);
        instagram.add_customer(PETER, "Peter Chang", "peter_chang_live");
        let stage = Self::on(instagram, change).await;
        stage.instagram.subscribe(&stage.callback, VERIFY_TOKEN).await.unwrap();
        stage
    }

    /// On an Instagram that has been prepared; not subscribed.
    pub(crate) async fn on(instagram: Instagram, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(&instagram.url());
        change(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://{}/instagram/webhook", listener.local_addr().unwrap());
        let (host, grpc) = HostStandIn::start();
        let stop = CancellationToken::new();
        let options = RuntimeOptions {
            listener: Some(listener),
            drain: Duration::from_millis(200),
            ..RuntimeOptions::default()
        };
        let mut runtime = Runtime::new(options, stop.clone());
        runtime.add(Plugin::new(settings).unwrap(), grpc);
        tokio::spawn(runtime.run());
        Self { instagram, host, callback, stop }
    }

    /// What happened next.
    pub(crate) async fn next(&self) -> Body {
        self.host.next_event().await.body.unwrap()
    }

    /// What a customer wrote next.
    pub(crate) async fn next_message(&self) -> CustomerMessage {
        match self.next().await {
            Body::CustomerMessage(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// All events that come within half a second, as the host takes them.
    pub(crate) async fn rest(&self) -> Vec<InboundEvent> {
        let mut rest = Vec::new();
        while let Some(event) = self.host.event_within(Duration::from_millis(500)).await {
            rest.push(event);
        }
        rest
    }

    /// Peter has just written, and nobody has to hear of it.
    pub(crate) fn peter_wrote(&self, ago: Duration) {
        self.instagram.customer_wrote_ago(SHOP, PETER, ago);
    }

    /// Hands a text for Peter to the plugin.
    pub(crate) async fn say(&self, text: &str) -> DeliveryReport {
        self.host.deliver(to_peter(text)).await
    }

    /// The same, when Peter wrote that long ago.
    pub(crate) async fn say_after(&self, ago: Duration, voice: Voice) -> DeliveryReport {
        self.peter_wrote(ago);
        let mut delivery = to_peter("Hello again");
        delivery.customer_wrote_at = Some((SystemTime::now() - ago).into());
        if let Some(delivery::Body::Text(text)) = &mut delivery.body {
            text.set_voice(voice);
        }
        self.host.deliver(delivery).await
    }
}

/// Settings for one account, "shop", at this address.
pub(crate) fn settings(api: &str) -> Settings {
    Settings {
        api: api.to_owned(),
        accounts: vec![Account {
            account: "shop".to_owned(),
            instagram_id: SHOP.to_owned(),
            access_token: Secret::new(TOKEN).unwrap(),
            app_id: Some(APP_ID.to_owned()),
            human_agent: false,
        }],
        app_secret: Secret::new(APP_SECRET),
        verify_token: Secret::new(VERIFY_TOKEN),
        ..Settings::default()
    }
}

/// A text for Peter from a support person.
pub(crate) fn to_peter(text: &str) -> Delivery {
    let text = TextDelivery { text: text.to_owned(), reply_to: String::new(), voice: Voice::Support.into() };
    Delivery {
        account: "shop".to_owned(),
        customer_id: PETER.to_owned(),
        partition: PETER.to_owned(),
        body: Some(delivery::Body::Text(text)),
        ..Delivery::default()
    }
}
