//! How updates go out: `getUpdates`, `setWebhook`, `deleteWebhook`, `getWebhookInfo`.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{Answer, Refusal},
    bring,
    desk::{Desk, State, Update, Webhook},
    params::Params,
};

/// An update that the bot gets, by whatever way is set.
pub(crate) fn give(desk: &Arc<Desk>, state: &mut State, update: Update) {
    state.last = Some(update.clone());
    if let Some(held) = &mut state.held {
        return held.push(update);
    }
    if state.webhook.is_some() {
        bring::queue(desk, state, update);
    } else {
        state.pending.push_back(update);
        desk.news.notify_waiters();
    }
}

/// Answers with updates from `offset` on, and forgets those before; waits while there are none. Answers with text, because what
/// is in an update need not be JSON that anybody understands.
pub(crate) async fn get(desk: &Desk, params: &Params) -> Result<String, Refusal> {
    let limit = usize::try_from(params.number("limit").unwrap_or(100).clamp(1, 100)).unwrap();
    let wait = u64::try_from(params.number("timeout").unwrap_or(0).clamp(0, 50)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(wait);
    let me = {
        let mut state = desk.state();
        is_polled(&state)?;
        allow(&mut state, params);
        confirm(&mut state, params.number("offset").unwrap_or(0));
        state.pollers += 1;
        desk.news.notify_waiters();
        state.pollers
    };
    loop {
        let news = desk.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        {
            let state = desk.state();
            is_polled(&state)?;
            if state.pollers != me {
                let why =
                    "terminated by other getUpdates request; make sure that only one bot instance is running";
                return Err(Refusal::conflict(why));
            }
            if !state.pending.is_empty() || Instant::now() >= deadline {
                let updates: Vec<&str> =
                    state.pending.iter().take(limit).map(|update| &*update.json).collect();
                return Ok(format!("[{}]", updates.join(",")));
            }
        }
        let _ = timeout_at(deadline, news).await;
    }
}

fn is_polled(state: &State) -> Result<(), Refusal> {
    let why =
        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    if state.webhook.is_some() { Err(Refusal::conflict(why)) } else { Ok(()) }
}

/// Forgets updates before `offset`; with a negative one, all but the last so many.
fn confirm(state: &mut State, offset: i64) {
    if let Ok(offset) = u64::try_from(offset) {
        // In order, unless a test has it otherwise.
        while state.pending.front().is_some_and(|update| update.id < offset) {
            state.pending.pop_front();
        }
        if state.pending.len() <= 10_000 {
            state.pending.retain(|update| update.id >= offset);
        }
    } else {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap();
        let forgotten = state.pending.len().saturating_sub(keep);
        state.pending.drain(..forgotten);
    }
}

/// An empty list brings back those that every bot gets; no list leaves what was.
fn allow(state: &mut State, params: &Params) {
    if let Some(Value::Array(kinds)) = params.json("allowed_updates") {
        let kinds: HashSet<String> =
            kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect();
        state.allowed = (!kinds.is_empty()).then_some(kinds);
    }
}

/// Unlike Telegram, takes http as well.
pub(crate) fn set_webhook(desk: &Arc<Desk>, params: &Params) -> Answer {
    let url = params.text("url").unwrap_or_default();
    if url.is_empty() {
        return Ok(delete_webhook(desk, params));
    }
    if !url.starts_with("http://") {
        return Err(Refusal::bad("bad webhook: Failed to resolve host: Name or service not known"));
    }
    let secret = params.text("secret_token");
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if secret.as_ref().is_some_and(|secret| secret.len() > 256 || !secret.bytes().all(is_key)) {
        return Err(Refusal::bad("secret token contains unallowed characters"));
    }
    let mut state = desk.state();
    allow(&mut state, params);
    drop_pending(&mut state, params);
    state.webhook = Some(Webhook { url, secret });
    state.webhook_error = None;
    for update in std::mem::take(&mut state.pending) {
        bring::queue(desk, &mut state, update);
    }
    desk.news.notify_waiters();
    Ok(json!(true))
}

pub(crate) fn delete_webhook(desk: &Desk, params: &Params) -> Value {
    let mut state = desk.state();
    drop_pending(&mut state, params);
    state.webhook = None;
    // Who brings an update now finds no webhook, and no lane.
    let mut left: Vec<Update> = state.lanes.drain().flat_map(|(_, lane)| lane).collect();
    left.sort_by_key(|update| update.id);
    state.pending.extend(left);
    json!(true)
}

fn drop_pending(state: &mut State, params: &Params) {
    if params.json("drop_pending_updates") == Some(json!(true)) {
        state.pending.clear();
        state.lanes.values_mut().for_each(|lane| lane.truncate(1));
    }
}

pub(crate) fn webhook_info(desk: &Desk) -> Value {
    let state = desk.state();
    let waiting = state.pending.len() + state.lanes.values().map(|lane| lane.len()).sum::<usize>();
    let url = state.webhook.as_ref().map(|webhook| webhook.url.as_str()).unwrap_or_default();
    let mut info = json!({ "url": url, "has_custom_certificate": false, "pending_update_count": waiting });
    if !url.is_empty() {
        info["max_connections"] = json!(40);
    }
    if let Some((at, error)) = &state.webhook_error {
        info["last_error_date"] = json!(at);
        info["last_error_message"] = json!(error);
    }
    if let Some(kinds) = &state.allowed {
        info["allowed_updates"] = json!(kinds);
    }
    info
}
