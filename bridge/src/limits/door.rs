//! How sockets ask for admission, and what the limits say to whoever keeps them together with other bridges.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

use super::meter::Meter;

/// How long a socket that opens waits for Redis.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);
/// Sockets that may wait to be admitted; more are admitted without being asked for.
const WAITING: usize = 1_024;

/// What the limits say: cheap, and never waited for.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Users whose number of sockets has changed.
    sockets: Mutex<HashSet<Arc<str>>>,
    /// Users who have sent a frame.
    frames: Mutex<Vec<(Arc<str>, Arc<Meter>)>>,
    changed: Notify,
}

/// Who wants one more socket admitted.
pub(super) struct Order {
    pub(super) user: Arc<str>,
    pub(super) answer: oneshot::Sender<bool>,
}

/// How sockets ask for admission.
#[derive(Clone)]
pub(super) struct Door {
    orders: mpsc::Sender<Order>,
    pub(super) changes: Arc<Changes>,
}

impl Changes {
    /// The number of a user's sockets has changed.
    pub(super) fn sockets(&self, user: &Arc<str>) {
        self.keep(user);
        self.changed.notify_one();
    }

    /// The same of several, and of those that were kept.
    pub(super) fn add(&self, users: Vec<Arc<str>>) {
        lock(&self.sockets).extend(users);
        self.changed.notify_one();
    }

    /// The same, for the next time.
    pub(super) fn keep(&self, user: &Arc<str>) {
        lock(&self.sockets).insert(user.clone());
    }

    /// Takes out `most` users, and those who are looked at anyway.
    pub(super) fn take(&self, most: usize, anyway: &HashSet<Arc<str>>) -> Vec<Arc<str>> {
        let mut changed = lock(&self.sockets);
        let some: Vec<_> = changed.iter().take(most).cloned().collect();
        for user in some.iter().chain(anyway) {
            changed.remove(user);
        }
        if !changed.is_empty() {
            self.changed.notify_one();
        }
        some
    }

    /// Waits for a change of sockets.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// A user has sent the first frame since the last report.
    pub(super) fn frames(&self, user: &Arc<str>, meter: &Arc<Meter>) {
        lock(&self.frames).push((user.clone(), meter.clone()));
    }

    /// Who has sent frames since the last time.
    pub(super) fn take_frames(&self) -> Vec<(Arc<str>, Arc<Meter>)> {
        std::mem::take(&mut *lock(&self.frames))
    }
}

impl Door {
    /// The door, who waits at it, and what changes.
    pub(super) fn new() -> (Self, mpsc::Receiver<Order>, Arc<Changes>) {
        let (orders, waiting) = mpsc::channel(WAITING);
        let changes = Arc::<Changes>::default();
        (Self { orders, changes: changes.clone() }, waiting, changes)
    }

    /// Whether a user may have the socket that has been counted here already. Also when Redis does not answer.
    pub(super) async fn admits(&self, user: Arc<str>) -> bool {
        let (answer, answered) = oneshot::channel();
        if self.orders.try_send(Order { user: user.clone(), answer }).is_err() {
            self.changes.sockets(&user);
            return true;
        }
        !matches!(timeout(PATIENCE, answered).await, Ok(Ok(false)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
