//! Updates that we ask for. Telegram forgets an update when the next question names a higher number, which is asked only
//! after the update is settled; what is asked for again meanwhile comes again.

use std::{convert::Infallible, time::Duration};

use causeway_plugin_sdk::{Backoff, Host, Stopped};
use frankenstein::{
    AsyncTelegramApi,
    methods::{DeleteWebhookParams, GetUpdatesParams},
};
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::{KINDS, Reader, number, patience};
use crate::{account::Account, error::ApiError, links::Links};

/// The most that Telegram gives at once.
const LIMIT: u32 = 100;

/// Asks for updates for ever.
pub(crate) async fn run(
    account: &Account,
    links: &Links,
    host: &Host,
    wait: Duration,
) -> Result<Infallible, Stopped> {
    let mut backoff = patience();
    while let Err(error) = begin(account).await {
        pause(account, host, &error, &mut backoff).await;
    }
    let mut question = GetUpdatesParams::builder()
        .limit(LIMIT)
        .timeout(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX))
        .allowed_updates(KINDS.to_vec())
        .build();
    account.works(host).await;
    loop {
        match account.api.call::<_, Vec<Box<RawValue>>>("getUpdates", &question).await {
            Ok(updates) => {
                backoff.reset();
                account.works(host).await;
                let next = settle(account, links, host, &updates).await?;
                question.offset = next.or(question.offset);
                if next.is_none() && !updates.is_empty() {
                    // None has a number: they come again, whatever we say.
                    sleep(backoff.next()).await;
                }
            }
            Err(error) => pause(account, host, &error, &mut backoff).await,
        }
    }
}

/// Makes sure of the token, and that updates are ours to ask for.
async fn begin(account: &Account) -> Result<(), ApiError> {
    account.api.get_me().await?;
    account.api.delete_webhook(&DeleteWebhookParams::builder().build()).await?;
    Ok(())
}

/// Has updates settled, in order; the number to ask for next.
async fn settle(
    account: &Account,
    links: &Links,
    host: &Host,
    updates: &[Box<RawValue>],
) -> Result<Option<i64>, Stopped> {
    let reader = Reader { account: &account.name, links };
    let events = updates.iter().flat_map(|update| reader.read(update.get().as_bytes())).collect();
    host.push_all(events).await?;
    let last = updates.iter().filter_map(|update| number(update.get().as_bytes())).max();
    Ok(last.map(|number| number.saturating_add(1)))
}

async fn pause(account: &Account, host: &Host, error: &ApiError, backoff: &mut Backoff) {
    account.fails(host, error).await;
    let told = error.refusal().and_then(|refusal| refusal.retry_after);
    sleep(told.unwrap_or_else(|| backoff.next())).await;
}
