//! Which node has which channel, kept up as nodes come, go and change their parts.

use std::{sync::Arc, time::Duration};

use causeway_link::redis::{SLOTS, Shard, slot};
use tokio::sync::mpsc;

use super::{Shared, link::Link};
use crate::bus::Envelope;

/// How often it is asked who has what, when nothing gives a reason.
const LOOK: Duration = Duration::from_secs(5);

/// How soon after a reason: several come together.
const SOON: Duration = Duration::from_millis(50);

/// The nodes and their slots.
#[derive(Default)]
pub(super) struct Routes {
    links: Vec<Arc<Link>>,
    shards: Vec<Shard>,
    /// For each slot, which of the links, when there are several.
    slots: Vec<Option<u16>>,
}

impl Routes {
    fn new(links: Vec<Arc<Link>>, shards: Vec<Shard>) -> Self {
        let mut slots = Vec::new();
        if links.len() > 1 {
            slots.resize(usize::from(SLOTS), None);
            for (shard, at) in shards.iter().zip(0..) {
                for slot in shard.slots.iter().cloned().flatten() {
                    if let Some(place) = slots.get_mut(usize::from(slot)) {
                        *place = Some(at);
                    }
                }
            }
        }
        Self { links, shards, slots }
    }

    pub(super) fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Whether there are channels that no node has.
    fn has_gaps(&self) -> bool {
        self.links.is_empty() || self.slots.contains(&None)
    }

    /// The node of a channel.
    pub(super) fn of(&self, channel: &str) -> Option<&Arc<Link>> {
        if let [only] = self.links.as_slice() {
            return Some(only);
        }
        let at = self.slots.get(usize::from(slot(channel.as_bytes()))).copied().flatten()?;
        self.links.get(usize::from(at))
    }
}

/// Keeps the routes until the stop.
pub(super) async fn direct(shared: Arc<Shared>, mut again: mpsc::Receiver<Arc<Envelope>>) {
    let stop = shared.stop.clone();
    let direct = async {
        loop {
            match shared.redis.shards().await {
                Ok(shards) => apply(&shared, shards),
                Err(error) => tracing::debug!(%error, "the nodes of Redis are not known"),
            }
            let routes = shared.routes();
            if routes.has_gaps() {
                shared.forget(None);
            }
            while let Ok(envelope) = again.try_recv() {
                shared.send(&routes, &envelope);
            }
            tokio::select! {
                () = shared.refresh.notified() => tokio::time::sleep(SOON).await,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    };
    stop.run_until_cancelled(direct).await;
}

/// Makes links to new nodes, ends those to nodes that have nothing any more, and moves channels.
fn apply(shared: &Arc<Shared>, shards: Vec<Shard>) {
    let old = shared.routes();
    if old.shards == shards {
        return;
    }
    let link_to = |shard: &Shard| {
        let known = old.links.iter().find(|link| link.endpoint == shard.endpoint);
        known.cloned().unwrap_or_else(|| Link::spawn(shared, shard.endpoint.clone()))
    };
    let new = Routes::new(shards.iter().map(link_to).collect(), shards);
    shared.set_routes(new);
    let new = shared.routes();
    for link in old.links.iter().filter(|link| !new.links.iter().any(|other| Arc::ptr_eq(link, other))) {
        link.stop.cancel();
    }
    let moved = shared.topics.reroute(|channel| new.of(channel).map(|link| link.id));
    if !moved.is_empty() {
        // Between the two nodes, events of what moved may be lost.
        shared.local.lag();
    }
    let find = |id: Option<u64>| new.links.iter().find(|link| Some(link.id) == id);
    for (channel, from, to) in moved {
        find(from).into_iter().for_each(|link| link.orders.drop(channel.clone()));
        find(to).into_iter().for_each(|link| link.orders.ask(channel.clone()));
    }
    shared.judge();
}
