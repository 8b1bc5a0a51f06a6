//! Who has which delivery in hand: it is handed out, taken back, given up.
//!
//! A delivery that is in hand is noted with its holder before the plugin hears of it. The same instance says in Hello which it
//! still has; what it did not get is due again, and no harm is done. Another instance cannot know what the lost one did with
//! its deliveries: they are due again and marked as uncertain.

use std::{collections::HashSet, sync::Arc};

use causeway_proto::plugin::{Capabilities, Delivery, Hello};

use super::{
    desk::{self, Owed, Prepared, Progress},
    host::Inner,
    registry,
};
use crate::{
    error::{Error, chain},
    store::{
        Tx,
        line::{self, Again, Doubt, Item},
    },
};

/// What an instance begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// All its events up to here are settled.
    pub(super) settled: u64,
    /// Deliveries that it has in hand.
    pub(super) in_hand: Vec<i64>,
}

/// Why a delivery comes again.
const LOST: &str = "the plugin was lost while it had this in hand";
const NOT_RECEIVED: &str = "the connection was lost before the plugin had this";

/// Prepares a delivery and notes who has it; `None` when there is nothing to deliver after all.
pub(super) fn take_in_hand(
    tx: &mut Tx<'_>,
    host: &Arc<Inner>,
    plugin: &str,
    instance: &str,
    can: &Capabilities,
    item: Item,
) -> Result<Option<Delivery>, Error> {
    let outbox = desk::kind(plugin);
    let owed = owed(plugin, item.clone());
    let prepared = match tx.attempt(|tx| host.desk.prepare(tx, &owed, can)) {
        Ok(prepared) => prepared,
        Err(error @ (Error::Unavailable(_) | Error::Exhausted { .. })) => return Err(error),
        Err(error) => {
            tracing::error!(
                plugin,
                delivery = item.id,
                error = chain(&error),
                "a delivery cannot be prepared"
            );
            Prepared::Impossible { code: "internal".into(), text: error.to_string() }
        }
    };
    match prepared {
        Prepared::Deliver { delivery, parts } => {
            line::hand_out(tx, item.id, instance, parts)?;
            Ok(Some(Delivery {
                id: item.id.unsigned_abs(),
                part: item.part,
                partition: item.key,
                attempts: item.attempts,
                uncertain: item.doubt == Doubt::This,
                ..*delivery
            }))
        }
        Prepared::Nothing => line::finish(tx, &outbox, &item).map(|()| None),
        Prepared::Impossible { code, text } => give_up(tx, host, plugin, item, &code, &text).map(|()| None),
    }
}

/// Notes that an instance attaches.
pub(super) fn begin(tx: &mut Tx<'_>, host: &Inner, hello: &Hello) -> Result<Begun, Error> {
    let settled = registry::attach(tx, hello)?;
    let holding: HashSet<u64> = hello.holding.iter().copied().collect();
    let mut in_hand = Vec::new();
    for item in line::all_in_hand(tx, &desk::kind(&hello.name))? {
        let is_same = item.holder.as_deref() == Some(hello.instance.as_str());
        if is_same && holding.contains(&item.id.unsigned_abs()) {
            in_hand.push(item.id);
        } else {
            take_back(tx, host, &hello.name, item, is_same)?;
        }
    }
    Ok(Begun { settled, in_hand })
}

/// Takes a delivery back from an instance that does not have it any more.
fn take_back(tx: &mut Tx<'_>, inner: &Inner, plugin: &str, item: Item, is_same: bool) -> Result<(), Error> {
    let most = inner.options.retry.attempts.unwrap_or(u32::MAX);
    if !is_same && item.attempts + 1 >= most {
        return give_up(tx, inner, plugin, item, "lost", LOST);
    }
    let reason = if is_same { NOT_RECEIVED } else { LOST };
    let at = tx.now_micros();
    line::again(tx, item.id, &Again { at, reason: reason.to_owned(), counts: !is_same, uncertain: !is_same })
}

/// Gives a delivery up, and has the service note it.
pub(super) fn give_up(
    tx: &mut Tx<'_>,
    inner: &Inner,
    plugin: &str,
    item: Item,
    code: &str,
    text: &str,
) -> Result<(), Error> {
    let said = format!("{code}: {text}");
    tracing::warn!(plugin, delivery = item.id, code, "a delivery is given up");
    line::give_up(tx, &desk::kind(plugin), &item, &said)?;
    registry::note_error(tx, plugin, &said)?;
    let progress = Progress::GivenUp { code: code.to_owned(), text: text.to_owned() };
    note(tx, inner, &owed(plugin, item), progress)
}

/// Has the service note how far a delivery got. What it cannot note is logged: the delivery itself is settled.
pub(super) fn note(tx: &mut Tx<'_>, inner: &Inner, owed: &Owed, progress: Progress) -> Result<(), Error> {
    match tx.attempt(|tx| inner.desk.note(tx, owed, progress)) {
        Err(error @ (Error::Unavailable(_) | Error::Exhausted { .. })) => Err(error),
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(
                plugin = owed.plugin,
                delivery = owed.id,
                error,
                "a delivery's progress is not noted"
            );
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// A delivery as the service sees it.
pub(super) fn owed(plugin: &str, item: Item) -> Owed {
    Owed {
        id: item.id,
        plugin: plugin.to_owned(),
        key: item.key,
        payload: item.payload,
        attempts: item.attempts,
        part: item.part,
        uncertain: item.doubt != Doubt::None,
    }
}
