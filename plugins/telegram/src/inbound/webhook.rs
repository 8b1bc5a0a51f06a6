//! Updates that Telegram brings. It brings an update again until it is answered with success, which it is when the update is
//! settled.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use causeway_plugin_sdk::{
    Host, Stopped, axum,
    proto::plugin::AccountState,
    webhook::{body, same_secret},
};
use frankenstein::{AsyncTelegramApi, methods::SetWebhookParams, updates::WebhookInfo};
use tokio::time::sleep;

use super::{KINDS, Reader, patience};
use crate::{Desk, Telegram, account::Account, error::ApiError, links::Links, settings::Mode};

/// Largest update that is read, in bytes.
const MAX_UPDATE: usize = 1 << 20;
/// How often Telegram is asked how it fares.
const WATCH: Duration = Duration::from_secs(60);
/// <https://core.telegram.org/bots/api#setwebhook>
const SECRET: &str = "X-Telegram-Bot-Api-Secret-Token";

/// `POST /webhook/{account}`: 401 without the secret, 404 for an account that has no webhook, 503 when the plugin stops; 200 for
/// everything else, because what cannot be read is no better the next time.
pub(crate) async fn receive(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let telegram = &desk.telegram;
    let Some((account, secret)) = webhook(telegram, &name) else {
        telegram.refusals.refuse("account");
        return StatusCode::NOT_FOUND.into_response();
    };
    let shown = request.headers().get(SECRET).map(|value| value.as_bytes()).unwrap_or_default();
    if !same_secret(secret, shown) {
        telegram.refusals.refuse("secret");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let update = match body(request, MAX_UPDATE).await {
        Ok(update) => update,
        Err(response) => return response,
    };
    let reader = Reader { account: &account.name, links: &telegram.links };
    match desk.host.push_all(reader.read(&update)).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(Stopped) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn webhook<'a>(telegram: &'a Telegram, name: &str) -> Option<(&'a Account, &'a str)> {
    let account = telegram.account(name)?;
    match &account.mode {
        Mode::Webhook { secret_token } => Some((account, secret_token.expose())),
        Mode::Polling => None,
    }
}

/// Sets the webhook, and sees to it that it stays and works.
pub(crate) async fn keep(account: &Account, links: &Links, secret: &str, host: &Host) -> Infallible {
    let webhook = SetWebhookParams::builder()
        .url(links.webhook(&account.name))
        .secret_token(secret)
        .allowed_updates(KINDS.to_vec())
        .build();
    let (mut backoff, mut is_set) = (patience(), false);
    loop {
        match look(account, &webhook, is_set).await {
            Ok(info) => {
                backoff.reset();
                let trouble = trouble(&info, SystemTime::now());
                // Whoever set another secret would keep the updates from us for ever.
                is_set = trouble.is_none();
                match trouble {
                    None => account.works(host).await,
                    Some(advice) => account.tell(host, AccountState::Reconnecting, advice).await,
                }
                sleep(WATCH).await;
            }
            Err(error) => {
                account.fails(host, &error).await;
                let told = error.refusal().and_then(|refusal| refusal.retry_after);
                sleep(told.unwrap_or_else(|| backoff.next())).await;
            }
        }
    }
}

/// Sets the webhook when it is not ours, and says how it fares.
async fn look(account: &Account, webhook: &SetWebhookParams, is_set: bool) -> Result<WebhookInfo, ApiError> {
    if !is_set {
        account.api.get_me().await?;
        account.api.set_webhook(webhook).await?;
    }
    let info = account.api.get_webhook_info().await?.result;
    if info.url != webhook.url {
        account.api.set_webhook(webhook).await?;
    }
    Ok(info)
}

/// What keeps updates from us, when something did of late and some wait.
fn trouble(info: &WebhookInfo, now: SystemTime) -> Option<String> {
    let error = info.last_error_message.as_deref()?;
    let failed = UNIX_EPOCH + Duration::from_secs(info.last_error_date?);
    let is_recent = now.duration_since(failed).is_ok_and(|since| since < 2 * WATCH);
    let waiting = info.pending_update_count;
    (is_recent && waiting > 0).then(|| {
        format!(
            "Telegram cannot bring {waiting} updates: {error}. Is `public_url` reachable from outside, and its \
             certificate good?"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_what_keeps_updates_from_us_now() {
        let info = |pending: u32| {
            let info = WebhookInfo::builder().url("https://x").has_custom_certificate(false);
            let info = info.pending_update_count(pending).last_error_date(1000);
            info.last_error_message("Connection refused").build()
        };
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(trouble(&info(3), at(1010)).is_some_and(|advice| advice.contains("Connection refused")));
        assert_eq!(trouble(&info(0), at(1010)), None);
        assert_eq!(trouble(&info(3), at(1010) + 2 * WATCH), None);
    }
}
