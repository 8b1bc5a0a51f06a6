//! From a customer's message at Telegram, by webhook, to a support person's list, at 100 messages a second.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    process::free_address,
    report::{Report, Row, Target},
    scene::Scene,
    server::{Server, directory},
    socket,
    telegram::{Person, Telegram},
};

const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const CUSTOMERS: i64 = 100;
/// Messages a second.
const RATE: u32 = 100;
const MESSAGES: usize = 2_000;
const WARM_UP: usize = 200;
/// Milliseconds.
const AT_MOST: f64 = 20.0;

/// Measures each message from when Telegram begins to tell of it.
pub(crate) async fn measure(report: &mut Report) {
    let telegram = Telegram::start().await;
    let bot = telegram.add_bot(TOKEN, "shop_bot");
    let plugins = free_address();
    let settings = format!(
        "[plugins]\npublic_url = \"http://{plugins}\"\n[plugins.telegram]\napi = \"{}\"\n\
         [[plugins.telegram.bots]]\naccount = \"shop_bot\"\ntoken = \"{TOKEN}\"\nmode = \"webhook\"\n\
         webhook_secret = \"open_sesame-42\"\n",
        telegram.url()
    );
    let server = Server::listening(&settings, directory(), plugins).await;
    let path = Scene::new(&server).support_person().await;
    let (_writer, mut list) = socket::open(server.sockets, &path).await;
    while bot.webhook().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let epoch = Instant::now();
    let writing = tokio::spawn(async move {
        let mut pace = interval(Duration::from_secs(1) / RATE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0..MESSAGES + WARM_UP {
            pace.tick().await;
            let customer = Person::new(9_000 + i64::try_from(number).unwrap_or(0) % CUSTOMERS, "Load");
            bot.customer_writes(&customer, &format!("@{}@", epoch.elapsed().as_nanos()));
        }
    });
    let mut latencies = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES + WARM_UP {
        let frame = list.frame(r#"{"type":"new_customer_message""#).await.expect("the socket stays");
        let written = frame.split('@').nth(1).and_then(|nanos| nanos.parse().ok()).expect("it says when");
        if number >= WARM_UP {
            let took = epoch.elapsed().saturating_sub(Duration::from_nanos(written));
            latencies.push(took.as_secs_f64() * 1_000.0);
        }
    }
    writing.await.expect("all were written");
    latencies.sort_by(f64::total_cmp);
    let mut row = |percent: usize, target| {
        let value = latencies[(latencies.len() - 1) * percent / 100];
        let figure = format!("webhook to socket at {RATE}/s, p{percent}");
        report.add(Row { figure, value, unit: "ms", target });
    };
    row(99, Some(Target::AtMost(AT_MOST)));
    row(50, None);
    row(100, None);
    server.stop().await;
}
