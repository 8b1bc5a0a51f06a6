//! From deliveries to Telegram: one call for each, after its turn came.

pub(crate) mod pace;
mod send;
pub(crate) mod typing;

use causeway_plugin_sdk::{
    Host, Sent, Undelivered,
    proto::plugin::{Capabilities, DeleteDelivery, Delivery, EditDelivery, TextUnit, delivery::Body},
};
use frankenstein::methods::{DeleteMessageParams, EditMessageTextParams};
use serde::de::IgnoredAny;

use crate::{
    account::Account,
    error::{ApiError, Refusal, permanent},
};

/// <https://core.telegram.org/bots/api#sendmessage>: up to 4 096, counted as entities are, in UTF-16.
const TEXT_LIMIT: u32 = 4096;

/// What Telegram can do.
pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        text_limit: TEXT_LIMIT,
        text_unit: TextUnit::Utf16.into(),
        attachment_kinds: ["image", "video", "audio", "file"].map(str::to_owned).to_vec(),
        can_edit: true,
        can_delete: true,
        can_show_typing: true,
    }
}

/// Hands a delivery to Telegram.
pub(crate) async fn deliver(account: &Account, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
    let Ok(chat) = delivery.customer_id.parse::<i64>() else {
        return Err(permanent("bad_customer_id", "the customer's id is not one of Telegram's"));
    };
    let result = match delivery.body {
        Some(Body::Text(text)) => send::text(account, chat, text).await,
        Some(Body::File(file)) => send::file(account, chat, file).await,
        Some(Body::Edit(edit)) => change(account, chat, edit).await,
        Some(Body::Delete(delete)) => take_back(account, chat, &delete).await,
        Some(Body::CustomerWrote(_)) | None => {
            return Err(permanent("not_for_channels", "a channel cannot deliver this"));
        }
    };
    match result {
        Ok(message_id) => Ok(Sent { message_id }),
        Err(failure) => Err(failure.undelivered(account, host).await),
    }
}

/// Why a delivery came to nothing.
enum Failure {
    /// It was not tried.
    Untried(Undelivered),
    /// Telegram said so, or did not answer.
    Failed(ApiError),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<pace::Paused> for Failure {
    fn from(pace::Paused(left): pace::Paused) -> Self {
        Self::Untried(Undelivered::Later {
            code: "too_many_requests".to_owned(),
            text: "Telegram asked for a pause".to_owned(),
            after: Some(left),
            account_wide: true,
        })
    }
}

impl Failure {
    /// Does about the account what there is to do, and says what it means for the delivery.
    async fn undelivered(self, account: &Account, host: &Host) -> Undelivered {
        let error = match self {
            Self::Untried(undelivered) => return undelivered,
            Self::Failed(error) => error,
        };
        if let Some(refusal) = error.refusal() {
            if let Some(wait) = refusal.retry_after {
                account.pace.pause(wait);
            }
            if refusal.is_about_the_token() {
                account.fails(host, &error).await;
            }
        }
        error.undelivered()
    }
}

async fn change(account: &Account, chat: i64, edit: EditDelivery) -> Result<String, Failure> {
    let message = message_id(&edit.message_id)?;
    let params = EditMessageTextParams::builder().chat_id(chat).message_id(message).text(edit.text).build();
    account.pace.turn(chat).await?;
    let changed = account.api.call::<_, IgnoredAny>("editMessageText", &params).await;
    // It was changed before, and what was said of it got lost.
    match unless(changed, |refusal| refusal.says("message is not modified")) {
        Ok(()) => Ok(edit.message_id),
        Err(error) => Err(error.into()),
    }
}

async fn take_back(account: &Account, chat: i64, delete: &DeleteDelivery) -> Result<String, Failure> {
    let message = message_id(&delete.message_id)?;
    let params = DeleteMessageParams::builder().chat_id(chat).message_id(message).build();
    account.pace.turn(chat).await?;
    let deleted = account.api.call::<_, IgnoredAny>("deleteMessage", &params).await;
    match unless(deleted, |refusal| refusal.says("message to delete not found")) {
        Ok(()) => Ok(delete.message_id.clone()),
        Err(error) => Err(error.into()),
    }
}

/// The result, where a refusal may say that all is as it should be.
fn unless(result: Result<IgnoredAny, ApiError>, is_well: fn(&Refusal) -> bool) -> Result<(), ApiError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if error.refusal().is_some_and(is_well) => Ok(()),
        Err(error) => Err(error),
    }
}

fn message_id(id: &str) -> Result<i32, Failure> {
    let unknown =
        || Failure::Untried(permanent("bad_message_id", "the message's id is not one of Telegram's"));
    id.parse().map_err(|_| unknown())
}
