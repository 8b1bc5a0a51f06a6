//! Which channels this process is subscribed to, or is about to be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use causeway_proto::event::Source;

/// Channels by name. The subscribers of this process are the truth about what is wanted; this is how far Redis knows it.
#[derive(Default)]
pub(super) struct Topics(Mutex<HashMap<Arc<str>, Entry>>);

struct Entry {
    source: Source,
    topic: Arc<str>,
    /// Whose channel it is; `None` while no node is known.
    link: Option<u64>,
    state: State,
    /// Nobody here wants it now.
    is_released: bool,
    /// It waits to be left.
    is_queued: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Redis is or will be asked for it.
    Asked,
    /// Redis has said so.
    Confirmed,
    /// Redis is asked to stop.
    Leaving,
}

/// What taking a topic needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is subscribed to.
    Settled,
    /// Redis was asked before, and has not answered yet.
    Waits,
    /// Redis is to be asked.
    Ask,
}

/// Something that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) source: Source,
    pub(super) topic: Arc<str>,
    /// Somebody wants it, and not only did a moment ago.
    pub(super) is_wanted: bool,
}

impl Topics {
    /// `link` says which has the channel now. It is asked under the lock: when nodes change their parts at the same moment, either
    /// the new one is named, or [`Topics::reroute`] finds the topic.
    pub(super) fn take(
        &self,
        channel: &Arc<str>,
        source: Source,
        topic: &Arc<str>,
        link: impl FnOnce() -> Option<u64>,
    ) -> Taken {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(channel) else {
            let (link, state, topic) = (link(), State::Asked, topic.clone());
            let entry = Entry { source, topic, link, state, is_released: false, is_queued: false };
            entries.insert(channel.clone(), entry);
            return Taken::Ask;
        };
        entry.is_released = false;
        match entry.state {
            State::Confirmed => Taken::Settled,
            State::Asked => Taken::Waits,
            State::Leaving => {
                entry.state = State::Asked;
                Taken::Ask
            }
        }
    }

    /// True when it is to be left after a while.
    pub(super) fn release(&self, channel: &str, is_wanted: impl Fn() -> bool) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(channel) else { return false };
        if is_wanted() {
            return false;
        }
        entry.is_released = true;
        !std::mem::replace(&mut entry.is_queued, true)
    }

    /// A channel has waited to be left. `Some(true)`: leave it now; `Some(false)`: look again later.
    pub(super) fn leave(&self, channel: &str, link: u64) -> Option<bool> {
        let mut entries = self.lock();
        let entry = entries.get_mut(channel).filter(|entry| entry.link == Some(link))?;
        match entry.state {
            State::Asked if entry.is_released => return Some(false),
            State::Confirmed if entry.is_released => entry.state = State::Leaving,
            State::Asked | State::Confirmed | State::Leaving => {
                entry.is_queued = false;
                return None;
            }
        }
        entry.is_queued = false;
        Some(true)
    }

    /// Whether Redis is still to be asked for it by this link.
    pub(super) fn is_asked(&self, channel: &str, link: u64) -> bool {
        let entries = self.lock();
        entries.get(channel).is_some_and(|entry| entry.link == Some(link) && entry.state == State::Asked)
    }

    /// Redis confirms a subscription. The topic, when it waited for that.
    pub(super) fn confirm(&self, channel: &str, link: u64) -> Option<(Source, Arc<str>)> {
        let mut entries = self.lock();
        let entry = entries.get_mut(channel)?;
        if entry.link != Some(link) || entry.state != State::Asked {
            return None;
        }
        entry.state = State::Confirmed;
        Some((entry.source, entry.topic.clone()))
    }

    /// Redis confirms that a channel was left.
    pub(super) fn left(&self, channel: &str, link: u64) {
        let mut entries = self.lock();
        let is_gone = |entry: &Entry| entry.link == Some(link) && entry.state == State::Leaving;
        if entries.get(channel).is_some_and(is_gone) {
            entries.remove(channel);
        }
    }

    /// Whose message it is; `None` when the channel is not subscribed to.
    pub(super) fn arrival(&self, channel: &str) -> Option<Arrival> {
        let entries = self.lock();
        let entry = entries.get(channel)?;
        let is_wanted = !entry.is_released;
        Some(Arrival { source: entry.source, topic: entry.topic.clone(), is_wanted })
    }

    /// Forgets the channels of a link that nobody wants. Only while it is not connected: nobody is told to leave them.
    pub(super) fn forget(&self, link: Option<u64>) {
        self.lock().retain(|_, entry| entry.link != link || !entry.is_released);
    }

    /// The connection of a link is new: all its channels are to be asked for. What nobody wants is forgotten.
    pub(super) fn renew(&self, link: u64) -> Vec<Arc<str>> {
        let mut entries = self.lock();
        entries.retain(|_, entry| entry.link != Some(link) || !entry.is_released);
        let mut channels = Vec::new();
        for (channel, entry) in entries.iter_mut().filter(|(_, entry)| entry.link == Some(link)) {
            (entry.state, entry.is_queued) = (State::Asked, false);
            channels.push(channel.clone());
        }
        channels
    }

    /// The nodes have changed their parts. For each channel that another link has now: the channel, the old link and the new.
    pub(super) fn reroute(
        &self,
        route: impl Fn(&str) -> Option<u64>,
    ) -> Vec<(Arc<str>, Option<u64>, Option<u64>)> {
        let mut entries = self.lock();
        let mut moved = Vec::new();
        entries.retain(|channel, entry| {
            let link = route(channel);
            if entry.link == link {
                return true;
            }
            let old = std::mem::replace(&mut entry.link, link);
            (entry.state, entry.is_queued) = (State::Asked, false);
            moved.push((channel.clone(), old, link.filter(|_| !entry.is_released)));
            !entry.is_released
        });
        moved
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    #[test]
    fn a_topic_taken_while_nodes_change_their_parts_is_at_the_node_that_has_it() {
        const OLD: u64 = 1;
        const NEW: u64 = 2;
        let (topics, name): (_, Arc<str>) = (Topics::default(), "user/1".into());
        thread::scope(|scope| {
            topics.take(&name, Source::Chat, &name, || {
                scope.spawn(|| topics.reroute(|_| Some(NEW)));
                // It would be done by now, if it did not wait.
                thread::sleep(Duration::from_millis(50));
                Some(OLD)
            });
        });
        assert!(topics.is_asked(&name, NEW));
    }
}
