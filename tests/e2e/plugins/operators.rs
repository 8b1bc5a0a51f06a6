//! What operators do on the command line: let plugins in and out, look at them, try again what was given up.

mod credentials;
mod outbox;
mod secrets;

use serde_json::{Value, json};

use super::stage::{BOT, Desk, shown};
use crate::{
    stage::{Setup, TIME, eventually, pattern::difference},
    telegram::Person,
};

fn john() -> Person {
    Person::new(7_001, "John").last_name("Doe").username("johnny")
}

/// What `causeway plugin list` says of a plugin; null when it may not attach.
async fn listed(desk: &Desk, name: &str) -> Value {
    let all = shown(&desk.causeway, &["plugin", "list"]).await;
    let found = all.as_array().unwrap().iter().find(|plugin| plugin["name"] == name).cloned();
    found.unwrap_or_default()
}

#[tokio::test]
async fn plugins_are_let_in_shown_and_shut_out() {
    let desk = Desk::open().await;
    let causeway = &desk.causeway;
    let [first, second] = [
        causeway.run_well(&["plugin", "add", "mail", "--kind", "channel"]).await,
        causeway.run_well(&["plugin", "add", "mail", "--kind", "channel"]).await,
    ];
    assert!(first.trim_end().len() >= 32 && first.lines().count() == 1 && first != second);
    causeway.run_well(&["plugin", "add", "intranet", "--kind", "notice-source"]).await;
    causeway.run_well(&["plugin", "add", "helper", "--kind", "agent"]).await;
    for (name, kind) in [("mail", "channel"), ("intranet", "notice-source"), ("helper", "agent")] {
        let plugin = listed(&desk, name).await;
        assert_eq!((&plugin["kind"], &plugin["attached"]), (&json!(kind), &json!(false)));
        assert_eq!((&plugin["since"], &plugin["accounts"]), (&Value::Null, &json!([])));
    }
    for wrong in [["Mail", "channel"], ["", "channel"], ["mail", "agent"], ["telegram", "notice-source"]] {
        let refused = causeway.run(&["plugin", "add", wrong[0], "--kind", wrong[1]]).await;
        assert!(!refused.status.success(), "{wrong:?}");
    }

    let table = causeway.run_well(&["plugin", "list"]).await;
    assert!(table.contains("never attached") && table.contains("attached since"), "{table}");
    for name in ["mail", "intranet", "helper"] {
        causeway.run_well(&["plugin", "remove", name]).await;
        assert_eq!(listed(&desk, name).await, Value::Null);
    }
    let missing = causeway.run(&["plugin", "remove", "mail"]).await;
    assert!(!missing.status.success());
    assert!(String::from_utf8_lossy(&missing.stderr).contains("mail"), "{missing:?}");
}

#[tokio::test]
async fn a_plugin_that_runs_is_shown_with_its_accounts() {
    let desk = Desk::with(Setup::default().split()).await;
    let (_chat, _) = desk.meets(&john(), "Hello").await;
    let connected = async || listed(&desk, "telegram").await["accounts"][0]["state"] == "connected";
    eventually("the bot is connected", connected).await;
    let mut plugin = listed(&desk, "telegram").await;
    // These depend on the moment.
    for (key, at_most) in [("event_credit", 100_000), ("delivery_credit", 100_000), ("event_lag_ms", 60_000)]
    {
        let number = plugin[key].take().as_u64();
        assert!(number.is_some_and(|number| number <= at_most), "{key}: {number:?}");
    }
    let account = json!({"account": BOT, "state": "connected", "advice": "", "reported_at": TIME});
    let expected = json!({
        "name": "telegram", "kind": "channel", "attached": true, "since": TIME, "version": env!("CARGO_PKG_VERSION"),
        "accounts": [account], "event_credit": null, "delivery_credit": null, "event_lag_ms": null,
        "deliveries_waiting": 0, "deliveries_dead": 0, "delivery_lag_ms": 0, "set_aside": 0, "last_error": "",
        "last_error_at": null,
    });
    assert_eq!(difference(&expected, &plugin), None);
}

#[tokio::test]
async fn a_plugin_that_is_shut_out_while_it_runs_is_detached() {
    let desk = Desk::open().await;
    let (_chat, _) = desk.meets(&john(), "Hello").await;
    desk.causeway.run_well(&["plugin", "remove", "telegram"]).await;
    assert_eq!(listed(&desk, "telegram").await, Value::Null);
    eventually("it says so", async || desk.causeway.printed().contains("the plugin may not attach any more"))
        .await;
}

#[tokio::test]
async fn what_was_set_aside_can_be_looked_at() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    let unreadable = r#"{"update_id": 900000001, "message": {"message_id": "seven"}}"#;
    desk.bot.raises_raw(unreadable);
    desk.bot.customer_writes(&john(), "Next");
    chat.expect("chat_message").await;
    for arguments in [&["plugin", "set-aside"][..], &["plugin", "set-aside", "telegram", "--limit", "1"]] {
        let kept = shown(&desk.causeway, arguments).await;
        assert_eq!(kept.as_array().unwrap().len(), 1);
        assert_eq!((&kept[0]["plugin"], &kept[0]["account"]), (&json!("telegram"), &json!(BOT)));
        assert!(kept[0]["payload"].as_str().unwrap().contains("seven"), "{kept}");
        assert_ne!(kept[0]["reason"], "");
    }
    assert_eq!(shown(&desk.causeway, &["plugin", "set-aside", "instagram"]).await, json!([]));
    let table = desk.causeway.run_well(&["plugin", "set-aside"]).await;
    assert!(table.contains("telegram") && !table.contains("update_id"), "{table}");
}

#[tokio::test]
async fn a_plugin_that_waits_for_its_host_stops_when_asked_to() {
    let mut desk = Desk::with(Setup::default().split()).await;
    desk.causeway.kill("telegram");
    desk.causeway.kill("chat");
    desk.causeway.start_again_without_waiting("telegram");
    eventually("it says that it waits", async || {
        desk.causeway.printed().contains("waiting for the plugin's host")
    })
    .await;
    desk.causeway.terminate("telegram");
    assert_eq!(desk.causeway.exit("telegram").await.code(), Some(0), "{}", desk.causeway.printed());
}
