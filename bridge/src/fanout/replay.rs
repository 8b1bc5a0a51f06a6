//! What a socket missed while it was away, read from the logs up to where its live events begin.
//!
//! The socket has joined its topics before it reads, so the mailbox holds everything from the join on. When
//! the mailbox overflows meanwhile, it starts again and the log is read further, up to where the mailbox
//! begins now: so there is neither a gap nor a limit to how long reading may take. Events that come twice are
//! dropped by the session, by sequence number.

mod pages;

use std::{collections::VecDeque, sync::Arc};

use futures_util::future::BoxFuture;

pub(crate) use pages::{Log, Pages, Stretch};

use crate::fanout::{
    Fanout, Topic,
    mailbox::{Delivery, Loss, Mailbox},
    packet::Packet,
};

/// At most so many deliveries come at a time.
const BATCH: usize = 64;

/// The replay of one socket.
pub(crate) struct Replay {
    fanout: Arc<Fanout>,
    mailbox: Arc<Mailbox>,
    lanes: Vec<Lane>,
    /// The page that is being read, and for which lane.
    reading: Option<(usize, BoxFuture<'static, Stretch>)>,
}

/// One topic of a replay.
#[derive(Debug)]
pub(crate) struct Lane {
    topic: Topic,
    /// Last sequence number that was read.
    read: u64,
    /// Events up to this one are read from the log.
    until: u64,
    waiting: VecDeque<Arc<Packet>>,
}

impl Lane {
    /// From after what the client has seen up to where live events begin. A client that is ahead of that is
    /// either ahead of this bridge, or does not say the truth.
    pub(crate) fn new(topic: Topic, seen: u64, live_from: u64) -> Self {
        Self { topic, read: seen, until: live_from, waiting: VecDeque::new() }
    }

    fn unread(&self) -> bool {
        self.waiting.is_empty() && self.read != self.until
    }
}

impl Replay {
    /// Replays these topics into a socket with this mailbox.
    pub(crate) fn new(fanout: Arc<Fanout>, mailbox: Arc<Mailbox>, lanes: Vec<Lane>) -> Self {
        Self { fanout, mailbox, lanes, reading: None }
    }

    /// Adds the next deliveries to `into`; false when there are none left, and the mailbox goes on from here.
    /// Nothing is lost when it is given up early.
    pub(crate) async fn next(&mut self, into: &mut Vec<Delivery>) -> bool {
        loop {
            if let Some((lane, reading)) = &mut self.reading {
                let (lane, stretch) = (*lane, reading.await);
                self.reading = None;
                self.take(lane, stretch, into);
            }
            if !into.is_empty() {
                return true;
            }
            if let Some(index) = self.lanes.iter().position(Lane::unread) {
                self.read(index);
                continue;
            }
            self.merge(into);
            if !into.is_empty() {
                return true;
            }
            if !self.mailbox.overflowed() {
                return false;
            }
            self.go_further();
        }
    }

    fn read(&mut self, index: usize) {
        let Some(lane) = self.lanes.get(index) else { return };
        let (pages, topic, after, until) =
            (self.fanout.pages.clone(), lane.topic.clone(), lane.read, lane.until);
        self.reading = Some((index, Box::pin(async move { pages.read(&topic, after, until).await })));
    }

    fn take(&mut self, index: usize, stretch: Stretch, into: &mut Vec<Delivery>) {
        let Some(lane) = self.lanes.get_mut(index) else { return };
        match stretch {
            Stretch::Events(events) => {
                lane.waiting.extend(events);
                // Where the log says that there is no more, there is no more.
                lane.read = lane.waiting.back().map_or(lane.until, |last| last.event().sequence);
                lane.until = lane.until.max(lane.read);
            }
            Stretch::Ahead => lane.until = lane.read,
            Stretch::Lost => {
                lane.read = lane.until;
                into.push(Delivery::Lost(Arc::new(Loss { topic: lane.topic.clone(), after: lane.until })));
            }
        }
    }

    /// Moves what has been read of all lanes, oldest first, until one of them must be read further.
    fn merge(&mut self, into: &mut Vec<Delivery>) {
        while into.len() < BATCH && !self.lanes.iter().any(Lane::unread) {
            let heads = self.lanes.iter_mut().filter(|lane| !lane.waiting.is_empty());
            let Some(oldest) = heads.min_by_key(|lane| lane.waiting.front().map(|packet| time(packet)))
            else {
                return;
            };
            into.extend(oldest.waiting.pop_front().map(Delivery::Event));
        }
    }

    /// The mailbox could not hold what happened meanwhile: from now on it does, and the log is read up to
    /// now.
    fn go_further(&mut self) {
        self.mailbox.restart();
        for lane in &mut self.lanes {
            // The order matters: whatever is published after the restart is in the mailbox.
            let position = self.fanout.registry(lane.topic.source).position(&lane.topic.name);
            lane.until = position.unwrap_or(lane.until).max(lane.read);
        }
    }
}

fn time(packet: &Packet) -> (i64, i32) {
    packet.event().time.map_or((0, 0), |time| (time.seconds, time.nanos))
}

#[cfg(test)]
mod tests;
