//! How many sockets users have on all bridges, and whether there may be one more.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use redis::RedisError;
use tokio::sync::oneshot;

use super::{BATCH, Together, millis};
use crate::limits::door::Order;

/// How soon to look again which bridges there are, when one is not known.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How long the sockets of a user are kept, when none comes or goes.
const KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Together {
    /// Writes how many sockets users have whose number has changed, and admits those who wait.
    pub(super) async fn write_sockets(&mut self, waiting: Vec<Order>) {
        let mut orders: HashMap<Arc<str>, Vec<oneshot::Sender<bool>>> = HashMap::new();
        for Order { user, answer } in waiting {
            orders.entry(user).or_default().push(answer);
        }
        let mut users: HashSet<Arc<str>> = orders.keys().cloned().collect();
        users.extend(self.changes.take(BATCH, &users));
        let users: Vec<_> = users.into_iter().collect();
        let written = join_all(users.iter().map(|user| self.write(user, &[]))).await;
        let mut bridges = written.iter().flatten().flat_map(HashMap::keys);
        let is_unknown = bridges.any(|bridge| !self.alive.contains(bridge));
        // One that has come since, or one that is gone: as long as that is not known, it counts.
        let is_sure = is_unknown && self.looked.elapsed() > ASK_AGAIN && self.look().await;
        for (user, found) in users.iter().zip(written) {
            let answers = orders.remove(user).unwrap_or_default();
            match found {
                Ok(found) => self.admit(user, &found, is_sure, answers).await,
                Err(_) => {
                    self.changes.keep(user);
                    for answer in answers {
                        // Who has gone meanwhile has given the place back.
                        let _ = answer.send(true);
                    }
                }
            }
        }
    }

    /// Refuses as many of those who wait as are over the cap.
    async fn admit(
        &self,
        user: &str,
        found: &HashMap<String, usize>,
        is_sure: bool,
        answers: Vec<oneshot::Sender<bool>>,
    ) {
        let (alive, dead): (Vec<_>, Vec<_>) = found
            .iter()
            .partition(|(bridge, _)| !is_sure || **bridge == self.bridge || self.alive.contains(*bridge));
        let total: usize = alive.iter().map(|(_, count)| **count).sum();
        let cap = self.limits.caps().connections_per_user;
        let over = if cap == 0 { 0 } else { total.saturating_sub(cap) };
        let admitted = answers.len().saturating_sub(over);
        for (place, answer) in answers.into_iter().enumerate() {
            // Who has gone meanwhile has given the place back.
            let _ = answer.send(place < admitted);
        }
        if !dead.is_empty() {
            let dead: Vec<&str> = dead.iter().map(|(bridge, _)| bridge.as_str()).collect();
            // They do not count; they only take room.
            let _ = self.write(user, &dead).await;
        }
    }

    async fn write(&self, user: &str, dead: &[&str]) -> Result<HashMap<String, usize>, RedisError> {
        let count = self.limits.count(user);
        self.ask(&self.seats, &format!("{}:limit:{{{user}}}:sockets", self.prefix), |call| {
            call.arg(&self.bridge).arg(count).arg(millis(KEEP)).arg(dead);
        })
        .await
    }
}
