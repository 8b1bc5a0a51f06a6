//! How an account is said to be.

use std::time::Duration;

use causeway_plugin_sdk::proto::plugin::{AccountReport, AccountState, DeliveryState};

use crate::{
    stage::{PETER, SHOP, Stage, TOKEN},
    stand_in::{Failure, Instagram, Refusal},
};

async fn becomes(stage: &Stage, state: AccountState) -> AccountReport {
    stage.host.account_when("shop", |report| report.state() == state).await
}

#[tokio::test]
async fn an_account_whose_token_is_good_is_connected() {
    let stage = Stage::start().await;
    assert_eq!(becomes(&stage, AccountState::Connected).await.advice, "");
    let me = "/v23.0/me?fields=user_id,username";
    assert!(stage.instagram.requests().iter().any(|request| request.url == me));
}

#[tokio::test]
async fn an_expired_token_is_found_at_once_and_needs_a_person() {
    let instagram = Instagram::start().await;
    instagram.add_account(SHOP, "the_shop", TOKEN);
    instagram.expire_token(SHOP);
    let stage = Stage::on(instagram, |settings| settings.check_every = Duration::from_millis(50)).await;
    let report = becomes(&stage, AccountState::BadCredentials).await;
    assert!(report.advice.starts_with("The access token has expired: make a new one"), "{report:?}");
    stage.instagram.renew_token(SHOP);
    becomes(&stage, AccountState::Connected).await;
}

#[tokio::test]
async fn a_token_that_expires_holds_messages_back() {
    let stage = Stage::start().await;
    becomes(&stage, AccountState::Connected).await;
    stage.peter_wrote(Duration::ZERO);
    stage.instagram.expire_token(SHOP);
    let report = stage.say("Hello").await;
    assert_eq!(
        (report.code.as_str(), report.permanent, report.pause_account),
        ("bad_credentials", false, true)
    );
    assert_eq!(report.retry_after_ms, 300_000);
    becomes(&stage, AccountState::BadCredentials).await;
    stage.instagram.renew_token(SHOP);
    assert_eq!(stage.say("Hello").await.state(), DeliveryState::Sent);
    becomes(&stage, AccountState::Connected).await;
}

#[tokio::test]
async fn a_token_of_another_account_is_not_taken() {
    let instagram = Instagram::start().await;
    instagram.add_account("99", "somebody_else", TOKEN);
    let stage = Stage::on(instagram, |_| ()).await;
    let report = becomes(&stage, AccountState::BadCredentials).await;
    assert!(report.advice.contains("somebody_else (99)"), "{report:?}");
}

#[tokio::test]
async fn a_rate_limit_passes_by_itself() {
    let stage = Stage::start().await;
    becomes(&stage, AccountState::Connected).await;
    stage.peter_wrote(Duration::ZERO);
    stage.instagram.fail_next(Failure::Refusal(Refusal::rate_limited(SHOP, 19)));
    let report = stage.say("Hello").await;
    assert_eq!((report.code.as_str(), report.permanent, report.pause_account), ("rate_limited", false, true));
    assert_eq!(report.retry_after_ms, 19 * 60 * 1_000);
    let account = becomes(&stage, AccountState::Reconnecting).await;
    assert!(account.advice.starts_with("Nothing: rate limited until 20"), "{account:?}");
    // Names can wait, messages cannot.
    stage.instagram.customer_writes(SHOP, PETER, "Hello?");
    assert_eq!(stage.next_message().await.customer.unwrap().first_name, "");
    assert_eq!(stage.say("Hello").await.state(), DeliveryState::Sent);
    becomes(&stage, AccountState::Connected).await;
}

#[tokio::test]
async fn a_limit_of_messages_in_a_time_lets_the_next_ones_go() {
    let stage = Stage::start().await;
    stage.peter_wrote(Duration::ZERO);
    stage.instagram.rate_limit(2, Duration::from_secs(30));
    assert_eq!(stage.say("one").await.state(), DeliveryState::Sent);
    assert_eq!(stage.say("two").await.state(), DeliveryState::Sent);
    let report = stage.say("three").await;
    assert_eq!((report.code.as_str(), report.retry_after_ms), ("rate_limited", 30_000));
    // The time is over.
    stage.instagram.rate_limit(2, Duration::ZERO);
    assert_eq!(stage.say("three").await.state(), DeliveryState::Sent);
}

#[tokio::test]
async fn an_instagram_that_is_away_is_tried_again() {
    let instagram = Instagram::start().await;
    instagram.add_account(SHOP, "the_shop", TOKEN);
    instagram.goes(true);
    let stage = Stage::on(instagram, |settings| settings.check_every = Duration::from_millis(50)).await;
    becomes(&stage, AccountState::Reconnecting).await;
    stage.instagram.goes(false);
    becomes(&stage, AccountState::Connected).await;
}
