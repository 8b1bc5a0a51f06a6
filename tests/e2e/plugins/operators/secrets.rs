//! No secret of a plugin or its provider is printed, whatever is asked for and whatever goes wrong.

use std::fs;

use serde_json::json;

use super::john;
use crate::{
    instagram::APP_SECRET,
    plugins::stage::{Desk, PETER, SHOP, Shop, TOKEN, VERIFY_TOKEN, access_token},
    stage::{Causeway, Setup, eventually},
    telegram::Failure,
};

/// What shows something, for people and for programs.
const SHOWING: [&[&str]; 5] =
    [&["plugin", "list"], &["plugin", "set-aside"], &["outbox", "list"], &["config", "show"], &["doctor"]];
/// Sources of notices that do not work, each with a secret.
const SOURCES: &str = r#"
[[plugins.notices.webhooks]]
name = "backend"
secret = "hunter-of-webhooks"
[[plugins.notices.feeds]]
name = "news"
url = "http://reader:hunter-of-feeds@127.0.0.1:9/feed?key=hunter-of-keys"
to = "everybody"
allow_private_addresses = true
[[plugins.notices.tables]]
name = "django"
connection_secret = "host=127.0.0.1 port=9 user=notices password=hunter-of-rows dbname=campus"
table = "notice"
to = "everybody"
"#;

/// Whatever is logged is logged.
fn talkative() -> Setup {
    Setup::default().set("log.level", "trace")
}

/// Fails when one of the secrets stands in anything that can be read.
async fn check(causeway: &Causeway, secrets: &[&str]) {
    let own = |name: &str| fs::read_to_string(causeway.data_dir().join(name)).unwrap_or_default();
    let own = ["telegram.token", "instagram.token", "notices.token", "files.key"]
        .map(|name| own(&format!("plugins/{name}")));
    let own = own.iter().map(|secret| secret.trim()).filter(|secret| !secret.is_empty());
    let service = causeway.service_token();
    let secrets: Vec<_> = secrets.iter().copied().chain(own).chain([service.as_str()]).collect();

    let mut printed = vec![causeway.printed(), causeway.metrics().await];
    for arguments in SHOWING {
        for more in [&[][..], &["--json"]] {
            let output = causeway.run(&[arguments, more].concat()).await;
            printed.push(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
        }
    }
    for text in &printed {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in:\n{text}");
        }
    }
}

async fn is_shown(causeway: &Causeway, what: &str) {
    eventually(what, async || causeway.run_well(&["plugin", "list"]).await.contains(what)).await;
}

#[tokio::test]
async fn a_bots_token_is_printed_nowhere() {
    let desk = Desk::with(talkative()).await;
    let added = desk.causeway.run_well(&["plugin", "add", "mail", "--kind", "channel"]).await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    desk.bot.raises_raw(r#"{"update_id": 900000001, "message": {"message_id": "seven"}}"#);
    desk.bot.fail_next(1, Failure::Status(502, None));
    desk.bot.fail_next_polls(1, Failure::CloseAfterReceiving);
    chat.send(json!({"type": "chat_message", "content": "Still there?"})).await;
    chat.gather("message_status", 1).await;
    desk.bot.block(john().id);
    chat.send(json!({"type": "chat_message", "content": "And now?"})).await;
    chat.gather("message_status", 1).await;
    desk.telegram.revoke(TOKEN);
    chat.send(json!({"type": "chat_message", "content": "Hello?"})).await;
    is_shown(&desk.causeway, "bad-credentials").await;
    let (_, half) = TOKEN.split_once(':').unwrap();
    check(&desk.causeway, &[half, added.trim()]).await;
}

#[tokio::test]
async fn an_access_token_is_printed_nowhere_though_instagram_repeats_it() {
    let shop = Shop::with(talkative(), "").await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    // From now on it says that the one that we have is malformed, and what it is.
    shop.instagram.add_account(SHOP, "the_shop", "another token");
    chat.send(json!({"type": "chat_message", "content": "How can I help?"})).await;
    is_shown(&shop.causeway, "bad-credentials").await;
    check(&shop.causeway, &[&access_token(SHOP), APP_SECRET, VERIFY_TOKEN]).await;
}

#[tokio::test]
async fn what_opens_the_sources_of_notices_is_printed_nowhere() {
    let causeway = talkative().file(SOURCES).start().await;
    for account in ["webhook/backend", "feed/news", "postgres/django"] {
        is_shown(&causeway, account).await;
    }
    check(&causeway, &["hunter-of"]).await;
}
