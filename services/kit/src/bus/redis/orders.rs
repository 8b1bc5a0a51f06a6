//! What a link is to subscribe to and to leave.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// As many as there are topics at most: each is in a list once.
#[derive(Default)]
pub(super) struct Orders {
    lists: Mutex<Lists>,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Lists {
    ask: Vec<Arc<str>>,
    /// Of no use here any more: another node has them.
    drop: Vec<Arc<str>>,
    leave: VecDeque<(Instant, Arc<str>)>,
    /// Redis was asked to stop, and has not said that it did.
    leaving: HashSet<Arc<str>>,
}

impl Orders {
    /// To be subscribed to.
    pub(super) fn ask(&self, channel: Arc<str>) {
        self.lock().ask.push(channel);
        self.changed.notify_one();
    }

    /// To be left at once.
    pub(super) fn drop(&self, channel: Arc<str>) {
        self.lock().drop.push(channel);
        self.changed.notify_one();
    }

    /// To be left after a while.
    pub(super) fn leave(&self, channel: Arc<str>, linger: Duration) {
        self.lock().leave.push_back((Instant::now() + linger, channel));
    }

    /// What is to be subscribed to now, and what to be left.
    pub(super) fn take(&self) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
        let mut lists = self.lock();
        (mem::take(&mut lists.ask), mem::take(&mut lists.drop))
    }

    /// What has waited long enough to be left.
    pub(super) fn due(&self) -> Vec<Arc<str>> {
        let mut lists = self.lock();
        let now = Instant::now();
        let count = lists.leave.partition_point(|(when, _)| *when <= now);
        lists.leave.drain(..count).map(|(_, channel)| channel).collect()
    }

    /// Redis is asked to stop.
    pub(super) fn leaving(&self, channel: &Arc<str>) {
        self.lock().leaving.insert(channel.clone());
    }

    /// Redis says that it did. False when nobody asked for it.
    pub(super) fn left(&self, channel: &str) -> bool {
        self.lock().leaving.remove(channel)
    }

    /// There is no connection: whoever makes the next begins anew.
    pub(super) fn clear(&self) {
        *self.lock() = Lists::default();
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
