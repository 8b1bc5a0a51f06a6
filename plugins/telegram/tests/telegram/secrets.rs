//! That nothing secret is said.

use std::time::Duration;

use causeway_plugin_sdk::proto::plugin::AccountState;
use causeway_telegram::{Mode, Secret};

use crate::{
    stage::{OTHER_TOKEN, SALES, SUPPORT, Stage, TOKEN, WEBHOOK_SECRET, logged, polling},
    telegram::{Content, Failure, Person, Telegram},
};

/// What could have got out: half of a token is enough.
const SECRETS: [&str; 4] = [
    "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "BBIerUdwDI2wHXKygTfpgTBt1L6QBMEtbx",
    WEBHOOK_SECRET,
    "a secret of files",
];

#[tokio::test]
async fn tokens_and_secrets_are_in_no_log_and_in_nothing_that_is_told() {
    let telegram = Telegram::start().await;
    let bots = [telegram.add_bot(TOKEN, SUPPORT), telegram.add_bot(OTHER_TOKEN, SALES)];
    let mode = Mode::Webhook { secret_token: Secret::new(WEBHOOK_SECRET).unwrap() };
    let stage = Stage::between(telegram, bots[0].clone(), |settings| {
        settings.bots.push(causeway_telegram::Bot { mode, ..polling(SALES, OTHER_TOKEN) });
        let printed = format!("{settings:?}");
        assert!(SECRETS.iter().all(|secret| !printed.contains(secret)), "{printed}");
    })
    .await;
    stage.works(SUPPORT).await;
    stage.works(SALES).await;
    let mut told = String::new();
    let anna = Person::new(77, "Anna");
    let file = Content::Photo { bytes: b"x".to_vec(), caption: String::new() };
    bots[0].customer_sends(&anna, &file);
    told += &format!("{:?}", stage.host.next_event().await);
    for failure in
        [Failure::Hang, Failure::CloseAfterReceiving, Failure::Status(500, None), Failure::Status(401, None)]
    {
        stage.bot.fail_next(1, failure);
        told += &format!("{:?}", stage.send(&anna, "Hello").await);
    }
    bots[0].fail_next_polls(1, Failure::CloseAfterReceiving);
    bots[0].customer_writes(&anna, "Hello");
    told += &stage.is(SUPPORT, AccountState::Reconnecting).await;
    told += &format!(
        "{:?}",
        Stage::with(|settings| settings.api = "http://127.0.0.1:9".into()).await.send(&anna, "x").await
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let log = String::from_utf8_lossy(&logged().lock().unwrap()).into_owned();
    assert!(log.contains("the bot works"), "the log is heard");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{told}");
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
