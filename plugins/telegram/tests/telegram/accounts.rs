//! How accounts are, and what a person is told to do.

use std::time::{Duration, Instant};

use causeway_plugin_sdk::proto::plugin::{AccountState, DeliveryState};

use crate::{
    stage::{SUPPORT, Stage, TOKEN},
    telegram::{Failure, Person, Telegram},
};

#[tokio::test]
async fn a_token_that_telegram_does_not_know_is_for_a_person() {
    let telegram = Telegram::start().await;
    let bot = telegram.add_bot(TOKEN, SUPPORT);
    telegram.revoke(TOKEN);
    let stage = Stage::between(telegram, bot, |_| {}).await;
    let advice = stage.is(SUPPORT, AccountState::BadCredentials).await;
    assert!(
        advice.contains("`token`") && advice.contains("@BotFather") && !advice.contains(TOKEN),
        "{advice}"
    );
    stage.telegram.add_bot(TOKEN, SUPPORT);
    stage.works(SUPPORT).await;
}

#[tokio::test]
async fn a_token_that_is_revoked_shows_in_a_delivery() {
    let stage = Stage::start().await;
    let anna = stage.customer(77, "Anna").await;
    stage.telegram.revoke(TOKEN);
    let report = stage.send(&anna, "Hello").await;
    assert_eq!((report.state(), report.permanent), (DeliveryState::Failed, false));
    assert_eq!((report.code.as_str(), report.pause_account), ("unauthorized", true));
    stage.is(SUPPORT, AccountState::BadCredentials).await;
}

#[tokio::test]
async fn another_who_asks_for_the_updates_is_noticed() {
    let stage = Stage::start().await;
    let url = format!("{}/bot{TOKEN}/getUpdates", stage.telegram.url());
    reqwest::get(url).await.unwrap();
    let advice = stage.is(SUPPORT, AccountState::Reconnecting).await;
    assert!(advice.contains("stop the other"), "{advice}");
    stage.works(SUPPORT).await;
}

#[tokio::test]
async fn a_webhook_of_others_is_taken_away_at_first_and_noticed_later() {
    let telegram = Telegram::start().await;
    let bot = telegram.add_bot(TOKEN, SUPPORT);
    let set = format!("{}/bot{TOKEN}/setWebhook?url=http://127.0.0.1:9/", telegram.url());
    reqwest::get(&set).await.unwrap();
    let stage = Stage::between(telegram, bot, |_| {}).await;
    stage.works(SUPPORT).await;
    stage.customer(77, "Anna").await;
    reqwest::get(&set).await.unwrap();
    let advice = stage.is(SUPPORT, AccountState::Reconnecting).await;
    assert!(advice.contains("webhook"), "{advice}");
}

#[tokio::test]
async fn while_telegram_is_away_it_is_tried_again() {
    let stage = Stage::start().await;
    stage.bot.fail_next_polls(2, Failure::CloseAfterReceiving);
    // The question that waits is answered by this, and the next two fail.
    stage.bot.customer_writes(&Person::new(77, "Anna"), "Hello");
    stage.is(SUPPORT, AccountState::Reconnecting).await;
    stage.works(SUPPORT).await;
    assert_eq!(stage.next_message().await.text, "Hello");
}

#[tokio::test]
async fn telegrams_wait_is_kept_by_questions_too() {
    let stage = Stage::start().await;
    let begun = Instant::now();
    stage.bot.fail_next_polls(1, Failure::Status(429, Some(1)));
    let anna = Person::new(77, "Anna");
    stage.bot.customer_writes(&anna, "First");
    stage.next_message().await;
    stage.is(SUPPORT, AccountState::Reconnecting).await;
    // The next question would be answered.
    stage.works(SUPPORT).await;
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}
