//! A stream that is written anew, because Redis does not have it, or not all of it.

use causeway_proto::presence::SessionOpened;
use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    Shared,
    desk::{Desk, Held},
    reports::{Entry, user},
    streams::{BATCH, Batch, Unwritten, done},
    told,
};

impl Shared {
    /// Writes all that is held of a stream under a new name, so that what Redis has of it and should not goes the way of earlier
    /// streams. What had been told before is not told again.
    pub(super) async fn write(&self, desk: &Desk, held: &mut Held) -> Result<(), Unwritten> {
        desk.set_stale(true);
        let stream = format!("{}-{}", self.0.process.simple(), self.next_stream());
        let (epochs, since): (Vec<_>, Vec<_>) = self.begin(desk, &stream).await?.into_iter().unzip();
        let before = {
            let mut known_as = desk.known_as();
            known_as.stream = stream;
            known_as.since = since;
            known_as.epochs.clone()
        };
        let has_lost = |place: usize| !before[place].is_empty() && before[place] != epochs[place];
        for batch in self.everything(held, has_lost) {
            self.carry(desk, held, batch).await?;
        }
        if held.is_synced {
            self.synced(desk).await?;
        }
        let is_lost = {
            let mut known_as = desk.known_as();
            known_as.epochs = epochs;
            known_as.lost.is_some()
        };
        desk.count(held);
        desk.set_stale(false);
        if is_lost {
            self.end(desk).await?;
        }
        Ok(())
    }

    /// Attaches in every partition; the epoch of each, and since when the stream is attached there.
    async fn begin(&self, desk: &Desk, stream: &str) -> Result<Vec<(String, String)>, Unwritten> {
        let since = desk.known_as().since.clone();
        let epoch = Uuid::new_v4().to_string();
        let calls = self.0.partitions.iter().zip(&since).map(async |(partition, since)| {
            let answer = partition.run(&self.0.scripts.attach, |call| {
                call.arg(&*desk.bridge).arg(stream).arg(since);
                call.arg(self.0.settings.max_bridges).arg(&epoch);
            });
            let answer = done(self.hear(answer.await?))?;
            match answer.more.as_slice() {
                [epoch, since] => Ok((told::text(epoch), told::text(since))),
                _ => Err(Unwritten::Stale),
            }
        });
        join_all(calls).await.into_iter().collect()
    }

    /// All that is held, in batches. Where Redis `has_lost` what it had, sessions that ended lately are among it: their users are
    /// still to go offline.
    fn everything(&self, held: &Held, has_lost: impl Fn(usize) -> bool) -> Vec<Batch> {
        let mut entries = Vec::new();
        for opened in held.ended_after(self.settled()) {
            let place = self.place(user(opened));
            if has_lost(place) {
                let session_id = format!("{} ended", opened.session_id);
                let gone = SessionOpened {
                    session_id: session_id.clone(),
                    conversation_id: String::new(),
                    ..opened.clone()
                };
                entries.push((place, Entry::Opened { opened: gone, is_known: true }));
                entries.push((place, Entry::Closed { session_id }));
            }
        }
        entries.extend(held.sessions().map(|session| {
            let place = self.place(user(&session.opened));
            let is_known = session.was_written && has_lost(place);
            (place, Entry::Opened { opened: session.opened.clone(), is_known })
        }));
        let batches = entries.chunks(BATCH * self.0.partitions.len()).map(|chunk| {
            let mut batch = self.nothing();
            chunk.iter().for_each(|(place, entry)| batch[*place].push(entry.clone()));
            batch
        });
        batches.collect()
    }
}
