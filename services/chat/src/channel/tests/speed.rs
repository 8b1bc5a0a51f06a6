//! How many messages of customers a store takes. Run with `cargo test --release -p causeway-chat speed -- --ignored --nocapture`.

use std::time::Instant;

use causeway_kit::{
    Error,
    plugin_host::{Desk, Verdict},
    store::{Tx, params},
};
use causeway_proto::plugin::{Customer, CustomerMessage, InboundEvent, inbound_event::Body};

use super::stage::{ACCOUNT, Stage, wrote};

const MESSAGES: usize = 10_000;
/// As many as the plugin host applies in one job.
const BATCH: usize = 256;

/// One of the events, as the host sees to it: noted, and in a savepoint of its own.
fn apply(tx: &mut Tx<'_>, desk: &dyn Desk, customers: usize, at: usize) -> Result<(), Error> {
    let customer =
        Customer { id: format!("c{}", at % customers), first_name: "John".into(), ..Customer::default() };
    let said = CustomerMessage {
        customer: Some(customer),
        ..wrote(&format!("m{at}"), "Where is my order? It was due yesterday.")
    };
    let body = Some(Body::CustomerMessage(said));
    let event = InboundEvent { account: ACCOUNT.into(), body, ..InboundEvent::default() };
    tx.attempt(|tx| {
        let sql =
            "INSERT OR IGNORE INTO plugin_event (plugin, account, provider_id) VALUES ('telegram', ?1, ?2)";
        tx.execute(sql, params![ACCOUNT, format!("u{at}")])?;
        assert_eq!(desk.apply(tx, "telegram", event)?, Verdict::Accepted);
        Ok(())
    })
}

async fn measure(customers: usize, helpers: &[&str]) {
    let stage = Stage::with_helpers(helpers).await;
    let started = Instant::now();
    for batch in 0..MESSAGES.div_ceil(BATCH) {
        let desk = stage.desk();
        let write = stage.write(move |tx| {
            (batch * BATCH..MESSAGES.min((batch + 1) * BATCH))
                .try_for_each(|at| apply(tx, desk.as_ref(), customers, at))
        });
        write.await.unwrap();
    }
    let rate = MESSAGES as f64 / started.elapsed().as_secs_f64();
    println!("{customers} customers, {} helpers: {rate:.0} messages/s", helpers.len());
}

#[tokio::test]
#[ignore = "a measurement"]
async fn speed() {
    for helpers in [&["a"][..], &["a", "b", "c", "d", "e"][..]] {
        for customers in [1, 1_000] {
            measure(customers, helpers).await;
        }
    }
}
