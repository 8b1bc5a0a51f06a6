//! The sockets of this bridge as the presence service knows them: one stream on which they come and go.
//!
//! When the stream breaks, all open sockets are reported on the next one; the service waits a while before it
//! takes the silence for their end, so nobody flickers.

mod link;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use causeway_proto::presence::{SessionClosed, SessionOpened, attach_request::Message};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

pub(crate) use link::Link;

/// How long a socket that opens waits for the service to have noted it. Without presence it opens all the
/// same.
const PATIENCE: Duration = Duration::from_millis(500);

/// The open sockets, and what of them has not been reported. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<Arc<str>, SessionOpened>,
    /// What is to be reported on the stream that is open; without one, nothing is kept here.
    changes: VecDeque<Message>,
    /// Number of the stream that is open.
    stream: Option<u64>,
    /// Reports made or waiting on that stream.
    reports: u64,
}

/// How many reports the service has applied, and on which stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    stream: u64,
    applied: u64,
}

/// A socket that is reported as open. Dropping it reports that it is closed.
#[derive(Debug)]
pub(crate) struct Registration {
    ledger: Ledger,
    session: Arc<str>,
}

impl Default for Ledger {
    fn default() -> Self {
        let (progress, _) = watch::channel(Progress::default());
        Self(Arc::new(Inner { state: Mutex::default(), changed: Notify::new(), progress }))
    }
}

impl Ledger {
    /// Reports a socket, and waits until the service has noted it, or does not answer.
    pub(crate) async fn open(&self, session: SessionOpened) -> Registration {
        let (registration, report) = self.enter(session);
        if let Some(report) = report {
            let mut progress = self.0.progress.subscribe();
            let noted = progress
                .wait_for(|progress| progress.stream != report.stream || progress.applied >= report.applied);
            // Too late is as good as never: presence is not what a socket is for.
            let _ = timeout(PATIENCE, noted).await;
        }
        registration
    }

    /// Notes a socket; with what progress it will have been reported, when a stream is open.
    fn enter(&self, session: SessionOpened) -> (Registration, Option<Progress>) {
        let id: Arc<str> = session.session_id.as_str().into();
        let mut state = self.lock();
        let report = state.report(Message::Opened(session.clone()));
        state.sessions.insert(id.clone(), session);
        drop(state);
        self.0.changed.notify_one();
        (Registration { ledger: self.clone(), session: id }, report)
    }

    fn leave(&self, session: &Arc<str>) {
        let mut state = self.lock();
        state.sessions.remove(session);
        state.report(Message::Closed(SessionClosed { session_id: session.to_string() }));
        drop(state);
        self.0.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn report(&mut self, change: Message) -> Option<Progress> {
        let stream = self.stream?;
        self.changes.push_back(change);
        self.reports += 1;
        Some(Progress { stream, applied: self.reports })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.ledger.leave(&self.session);
    }
}

#[cfg(test)]
mod tests;
