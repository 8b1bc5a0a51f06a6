//! The place of a plugin, of which there is one among all processes that have the store: the lease `plugin/<name>`.
//!
//! Whoever attaches while another process has the plugin asks it to let go, and waits until it has, or until it is seen to be dead.
//! Within a process, [`super::Host`] sees to the same without asking anybody.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use causeway_proto::{
    event::Source,
    plugin::{Hello, Typing},
};
use prost::Message as _;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{
    dismissal::{Dismissal, RETRY, superseded},
    host::{Answer, Inner},
    in_hand::{self, Begun},
    live::Live,
    registry,
};
use crate::{
    bus::{Bus, BusReceiver, Envelope, Signal},
    error::Error,
    lease::{Candidate, Held, LOOK, Standing},
    store::{Reader, Store, Tx, lease},
};

/// How often a plugin that waits for its place looks whether it is free.
const PAUSE: Duration = Duration::from_millis(100);

/// How long it waits: longer than an attachment may take to end, and longer than a dead process keeps a place.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a process is asked that has a plugin: that it goes, or that it makes way for an instance.
const REMOVED: &str = "removed";
const INSTANCE: &str = "instance/";

/// The lease of a plugin's attachment.
fn name(plugin: &str) -> String {
    format!("plugin/{plugin}")
}

/// What the process is woken by that has the plugin.
fn wakes(store: &Store, plugin: &str) -> String {
    format!("lease/{}/{}", store.name(), name(plugin))
}

/// Who waits for the place of a plugin, once for each process: what was seen of a dead one counts for whoever comes next.
pub(super) fn candidate(store: &Store, plugin: &str) -> Candidate {
    Candidate::new(store, name(plugin).into())
}

/// Waits for the plugin's place and takes it; what the attachment begins with. Fails with `ABORTED` when another instance has taken
/// this one's place for good, and with `UNAVAILABLE` when the store does, the host stops or nobody waits for the answer any more.
pub(super) async fn take(
    inner: &Arc<Inner>,
    candidate: &mut Candidate,
    hello: &Hello,
    answer: &mut Answer,
) -> Result<(Held, Begun), Status> {
    let mut asked: Option<(String, bool)> = None;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match candidate.look().await? {
            Standing::Free => {
                let (host, hello) = (inner.clone(), hello.clone());
                if let Some(taken) = candidate.take(move |tx| in_hand::begin(tx, &host, &hello)).await? {
                    return Ok(taken);
                }
            }
            Standing::Held { entry, is_renewed } => {
                // What happened before this instance came says nothing about now.
                let is_renewed = is_renewed && asked.is_some();
                let is_former = match &asked {
                    Some((holder, is_former)) if *holder == entry.holder => *is_former,
                    Some(_) | None => ask(inner, hello).await?,
                };
                asked = Some((entry.holder, is_former));
                // One who died keeps nobody out: whoever has the place is to be seen alive.
                if is_former && is_renewed {
                    return Err(superseded());
                }
            }
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = inner.stop.cancelled() => return Err(Dismissal::Stopping.into()),
            () = answer.closed() => return Err(Status::cancelled("the plugin has gone")),
        }
    }
    let details = ErrorDetails::with_retry_info(Some(RETRY));
    Err(Status::with_error_details(
        Code::Unavailable,
        "another process does not let go of the plugin",
        details,
    ))
}

/// Asks whoever has the place to make way; true when this instance had to make way itself before, and asks for nothing.
async fn ask(inner: &Inner, hello: &Hello) -> Result<bool, Error> {
    let (plugin, instance) = (hello.name.clone(), hello.instance.clone());
    let is_former = inner.store.write(move |tx| ask_in(tx, &plugin, &instance)).await?;
    inner.store.bus().wake(&wakes(&inner.store, &hello.name));
    Ok(is_former)
}

fn ask_in(tx: &Tx<'_>, plugin: &str, instance: &str) -> Result<bool, Error> {
    let Some(entry) = lease::get(tx, &name(plugin))? else { return Ok(false) };
    let there = registry::instance(tx, plugin)?;
    // Who has the place, and who waits for it.
    let rivals: Vec<&str> = [Some(there.as_str()), entry.wanted.strip_prefix(INSTANCE)]
        .into_iter()
        .flatten()
        .filter(|rival| *rival != instance)
        .collect();
    if !rivals.is_empty() && registry::is_former(tx, plugin, instance)? {
        return Ok(true);
    }
    rivals.iter().try_for_each(|rival| registry::note_former(tx, plugin, rival))?;
    lease::ask(tx, &name(plugin), &format!("{INSTANCE}{instance}")).map(|()| false)
}

/// Asks whoever has a plugin to end its attachment, because it may not attach any more.
pub(super) fn remove(tx: &Tx<'_>, plugin: &str) -> Result<(), Error> {
    lease::ask(tx, &name(plugin), REMOVED)
}

/// Has whoever has a plugin look what it is asked.
pub(super) fn wake(store: &Store, plugin: &str) {
    if store.is_shared() {
        store.bus().wake(&wakes(store, plugin));
    }
}

/// The note of the process that has the plugin; `None` when none does, or none that lives.
pub(super) fn note(reader: &Reader<'_>, plugin: &str, now: i64) -> Result<Option<String>, Error> {
    Ok(lease::get(reader, &name(plugin))?.filter(|entry| entry.until > now).map(|entry| entry.note))
}

/// Does what other processes ask of an attachment, and hands it what they say to it, until its place is another's.
pub(super) async fn attend(inner: &Inner, plugin: &str, live: &Live, held: &Held) {
    if !inner.store.is_shared() {
        return std::future::pending().await;
    }
    let bus = inner.store.bus();
    let mut wakes = bus.wakes(&wakes(&inner.store, plugin));
    let mut typings = bus.subscribe();
    if live.typing.is_some() {
        typings.take(Source::Unspecified, name(plugin));
    }
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = wakes.next() => {}
            _ = looks.tick() => {}
            typing = typing(&mut typings) => {
                live.show_typing(typing);
                continue;
            }
        }
        match held.wanted().await {
            Ok(Some(wanted)) => heed(&wanted, live),
            Ok(None) => return,
            // The lease runs out when that goes on.
            Err(error) => tracing::debug!(plugin, %error, "a plugin's lease cannot be read"),
        }
    }
}

fn heed(wanted: &str, live: &Live) {
    match wanted.strip_prefix(INSTANCE) {
        Some(instance) if instance == live.instance => live.dismiss(Dismissal::Reconnected),
        Some(_) => live.dismiss(Dismissal::Superseded),
        None if wanted == REMOVED => live.dismiss(Dismissal::Removed),
        None => {}
    }
}

/// Shows typing to a plugin that may be attached elsewhere.
pub(super) fn publish_typing(bus: &Bus, plugin: &str, typing: &Typing) {
    let (source, topic) = (Source::Unspecified, name(plugin));
    if bus.reaches(source, &topic) {
        let event = Bytes::from(typing.encode_to_vec());
        bus.publish(&[Arc::new(Envelope { source, topic: topic.into(), sequence: 0, event })]);
    }
}

/// The next typing that another process publishes. Nothing is lost when the future is dropped.
async fn typing(receiver: &mut BusReceiver) -> Typing {
    loop {
        match receiver.recv().await {
            Signal::Event(envelope) => {
                if let Ok(typing) = Typing::decode(envelope.event.clone()) {
                    return typing;
                }
            }
            // What was lost is said again.
            Signal::Head { .. } | Signal::Check { .. } | Signal::Lagged { .. } => {}
        }
    }
}
