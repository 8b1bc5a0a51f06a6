//! What becomes of one event, in a job of the store.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use causeway_proto::plugin::{InboundEvent, OutcomeCode, SetAside, inbound_event::Body};
use prost::Message as _;

use super::{Desk, Verdict, registry};
use crate::{
    error::{Error, chain},
    store::Tx,
};

/// Longest account and longest id or partition, in characters.
const ACCOUNT: usize = 128;
const ID: usize = 256;

/// Largest event, in bytes, and how much of what is malformed is kept.
const EVENT_BYTES: usize = 256 << 10;
const KEPT: usize = 64 << 10;

/// How long a plugin waits before it sends again what cannot be applied now.
const PAUSE: Duration = Duration::from_secs(1);

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// For good, for this reason.
    Settled(OutcomeCode, Cow<'static, str>),
    /// It comes again after that time, for this reason.
    Later(Duration, Cow<'static, str>),
}

impl Came {
    pub(super) fn settled(code: OutcomeCode) -> Self {
        Self::Settled(code, "".into())
    }

    pub(super) fn rejected(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Settled(OutcomeCode::Rejected, reason.into())
    }

    fn ignored(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Settled(OutcomeCode::Ignored, reason.into())
    }
}

/// Why an event leaves nothing behind.
enum Undone {
    NotYet(Duration),
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Applies the events of a batch, in order, as long as none of them has to be undone; fails with what is to be told of a batch
/// in which one has. Savepoints cost as much as all else, and few events need one.
pub(super) fn apply_plainly(
    tx: &mut Tx<'_>,
    desk: &dyn Desk,
    plugin: &str,
    events: &[InboundEvent],
) -> Result<Vec<Came>, Error> {
    let apply = |event| match make_true(tx, desk, plugin, event) {
        Ok(came) => Ok(came),
        Err(Undone::Failed(error)) => Err(error),
        Err(Undone::NotYet(_)) => Err(Error::unavailable("an event has to wait")),
    };
    events.iter().map(apply).collect()
}

/// Applies the events of a batch, in order, each so that it can be undone. Fails only when the store does: what is wrong with an
/// event is its outcome.
pub(super) fn apply_carefully(
    tx: &mut Tx<'_>,
    desk: &dyn Desk,
    plugin: &str,
    events: &[InboundEvent],
) -> Result<Vec<Came>, Error> {
    let mut waiting: HashMap<&str, Duration> = HashMap::new();
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        let came = match waiting.get(event.partition.as_str()) {
            Some(wait) => Came::Later(*wait, "an earlier event of its partition comes first".into()),
            None => apply(tx, desk, plugin, event)?,
        };
        if let Came::Later(wait, _) = &came {
            waiting.insert(&event.partition, *wait);
        }
        all.push(came);
    }
    Ok(all)
}

/// Applies an event in a savepoint of its own.
fn apply(tx: &mut Tx<'_>, desk: &dyn Desk, plugin: &str, event: &InboundEvent) -> Result<Came, Error> {
    match tx.attempt(|tx| make_true(tx, desk, plugin, event)) {
        Ok(came) => Ok(came),
        Err(Undone::NotYet(wait)) => Ok(Came::Later(wait, "it cannot be told yet what it means".into())),
        Err(Undone::Failed(error @ (Error::Unavailable(_) | Error::Exhausted { .. }))) => {
            Ok(Came::Later(PAUSE, error.to_string().into()))
        }
        Err(Undone::Failed(error)) => {
            if matches!(error, Error::Internal(_)) {
                let (error, id) = (chain(&error), &event.provider_id);
                tracing::error!(plugin, provider_id = id, error, "an event cannot be applied");
            }
            reject(tx, plugin, event, error.to_string())
        }
    }
}

/// Checks what holds for every event.
fn check(event: &InboundEvent) -> Result<(), Error> {
    let within = |text: &str, least: usize, most: usize| (least..=most).contains(&text.chars().count());
    if event.encoded_len() > EVENT_BYTES {
        return Err(Error::invalid("event", "must not have more than 256 KiB"));
    }
    if !within(&event.account, 1, ACCOUNT) {
        return Err(Error::invalid("event.account", format!("must be 1 to {ACCOUNT} characters")));
    }
    if !within(&event.provider_id, 1, ID) {
        return Err(Error::invalid("event.provider_id", format!("must be 1 to {ID} characters")));
    }
    if !within(&event.partition, 0, ID) {
        return Err(Error::invalid("event.partition", format!("must be at most {ID} characters")));
    }
    Ok(())
}

fn make_true(tx: &mut Tx<'_>, desk: &dyn Desk, plugin: &str, event: &InboundEvent) -> Result<Came, Undone> {
    check(event)?;
    if !registry::remember(tx, plugin, &event.account, &event.provider_id)? {
        return Ok(Came::settled(OutcomeCode::Duplicate));
    }
    match &event.body {
        None => Ok(Came::ignored("the host knows no such event")),
        Some(Body::Unknown(unknown)) => {
            let kind: String = unknown.kind.chars().take(ACCOUNT).collect();
            Ok(Came::ignored(format!("unknown: {kind}")))
        }
        Some(Body::Malformed(malformed)) => {
            let kept = &malformed.payload[..malformed.payload.len().min(KEPT)];
            let reason: String = malformed.reason.chars().take(registry::REASON).collect();
            keep(tx, plugin, event, kept.to_vec(), reason)?;
            Ok(Came::ignored("it is kept for a person to look at"))
        }
        Some(_) => match desk.apply(tx, plugin, event.clone())? {
            Verdict::Accepted => Ok(Came::settled(OutcomeCode::Accepted)),
            Verdict::Duplicate => Ok(Came::settled(OutcomeCode::Duplicate)),
            Verdict::Ignored(reason) => Ok(Came::ignored(reason)),
            Verdict::NotYet(wait) => Err(Undone::NotYet(wait)),
        },
    }
}

fn reject(tx: &Tx<'_>, plugin: &str, event: &InboundEvent, reason: String) -> Result<Came, Error> {
    let mut kept = event.encode_to_vec();
    if kept.len() > EVENT_BYTES {
        kept.truncate(KEPT);
    }
    registry::note_error(tx, plugin, &format!("an event was rejected: {reason}"))?;
    keep(tx, plugin, event, kept, reason.clone())?;
    Ok(Came::rejected(reason))
}

fn keep(
    tx: &Tx<'_>,
    plugin: &str,
    event: &InboundEvent,
    payload: Vec<u8>,
    reason: String,
) -> Result<(), Error> {
    let short = |text: &str| text.chars().take(ID).collect();
    let aside = SetAside {
        plugin: plugin.to_owned(),
        account: short(&event.account),
        provider_id: short(&event.provider_id),
        reason,
        payload,
        time: None,
    };
    registry::set_aside(tx, &aside)
}
