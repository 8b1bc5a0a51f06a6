//! What a plugin's report does to a delivery, in a job of the store.

use std::{sync::Arc, time::Duration};

use causeway_proto::plugin::{DeliveryReport, DeliveryState};

use super::{
    desk::{self, Progress},
    host::Inner,
    in_hand, registry,
};
use crate::{
    error::Error,
    store::{
        Tx,
        line::{self, Again, Item},
    },
};

/// Longest code, in characters.
const CODE: usize = 64;

/// An account that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) account: String,
    /// Microseconds since the epoch.
    pub(super) until: i64,
}

/// Notes a report. One about a delivery or a part that the instance does not have in hand was noted before, or came too late:
/// it changes nothing.
pub(super) fn note(
    tx: &mut Tx<'_>,
    host: &Arc<Inner>,
    plugin: &str,
    instance: &str,
    report: &DeliveryReport,
) -> Result<Option<Pause>, Error> {
    let Ok(id) = i64::try_from(report.delivery_id) else { return Ok(None) };
    let state = report.state();
    if matches!(state, DeliveryState::Delivered | DeliveryState::Read) {
        return reached(tx, host, plugin, id, state).map(|()| None);
    }
    let outbox = desk::kind(plugin);
    let item = line::in_hand(tx, &outbox, instance, id)?.filter(|item| item.part == report.part);
    let Some(item) = item else { return Ok(None) };
    match state {
        DeliveryState::Sent => sent(tx, host, plugin, item, report).map(|()| None),
        DeliveryState::Failed if report.permanent => give_up(tx, host, plugin, item, report).map(|()| None),
        DeliveryState::Failed | DeliveryState::Uncertain => again(tx, host, plugin, item, report),
        // The first is refused at the door, the others are dealt with above.
        DeliveryState::Unspecified | DeliveryState::Delivered | DeliveryState::Read => Ok(None),
    }
}

fn reached(tx: &mut Tx<'_>, host: &Inner, plugin: &str, id: i64, state: DeliveryState) -> Result<(), Error> {
    match tx.attempt(|tx| host.desk.reached(tx, plugin, id, state)) {
        Err(error @ (Error::Unavailable(_) | Error::Exhausted { .. })) => Err(error),
        Err(error) => {
            tracing::debug!(plugin, delivery = id, %error, "a report means nothing");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn sent(
    tx: &mut Tx<'_>,
    host: &Inner,
    plugin: &str,
    item: Item,
    report: &DeliveryReport,
) -> Result<(), Error> {
    let is_last = item.part + 1 >= item.parts;
    let provider_message_id = report.provider_message_id.clone();
    if is_last {
        line::finish(tx, &desk::kind(plugin), &item)?;
    } else {
        line::advance(tx, item.id)?;
    }
    in_hand::note(tx, host, &in_hand::owed(plugin, item), Progress::Sent { provider_message_id, is_last })
}

fn give_up(
    tx: &mut Tx<'_>,
    host: &Inner,
    plugin: &str,
    item: Item,
    report: &DeliveryReport,
) -> Result<(), Error> {
    let (code, text) = said(report);
    in_hand::give_up(tx, host, plugin, item, &code, &text)
}

/// Has a delivery tried again, unless it was tried too often. A wait that the provider asks for is no failed attempt: it
/// would have taken the message later.
fn again(
    tx: &mut Tx<'_>,
    host: &Inner,
    plugin: &str,
    item: Item,
    report: &DeliveryReport,
) -> Result<Option<Pause>, Error> {
    let asked = (report.retry_after_ms > 0).then(|| Duration::from_millis(report.retry_after_ms.into()));
    let retry = &host.options.retry;
    if asked.is_none() && retry.attempts.is_some_and(|most| item.attempts + 1 >= most) {
        return give_up(tx, host, plugin, item, report).map(|()| None);
    }
    let wait = asked.unwrap_or_else(|| retry.backoff(item.attempts));
    let at = tx.now_micros().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
    let (code, text) = said(report);
    let reason = format!("{code}: {text}");
    registry::note_error(tx, plugin, &reason)?;
    let uncertain = report.state() == DeliveryState::Uncertain;
    line::again(tx, item.id, &Again { at, reason, counts: asked.is_none(), uncertain })?;
    Ok(report.pause_account.then_some(Pause { account: item.pool, until: at }))
}

/// Code and text of a failure, as long as they may be.
fn said(report: &DeliveryReport) -> (String, String) {
    let code: String = report.code.chars().take(CODE).collect();
    let code = if code.is_empty() { "failed".to_owned() } else { code };
    (code, report.text.chars().take(registry::REASON).collect())
}

pub(super) fn label(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Sent => "sent",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Read => "read",
        DeliveryState::Failed => "failed",
        DeliveryState::Uncertain => "uncertain",
        DeliveryState::Unspecified => "unspecified",
    }
}
