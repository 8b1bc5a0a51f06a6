//! From the first signal to the exit. A process leaves in steps, and each is cancelled with those that come after it:
//!
//! 1. `leaving`: nothing is ready any more, and everything goes on for `stop.lead`, so that load balancers notice.
//! 2. `drain`: no new sockets, open ones end within their window.
//! 3. `closing`: no new calls, streams end, calls under way are finished.
//! 4. `stop`: every task ends.
//!
//! A second signal, or the hard limit `stop.timeout`, ends it at once; a task that must not die stops the process when it does.

use std::{cell::Cell, future::pending, time::Duration};

use anyhow::{anyhow, bail};
use causeway_config::StopSettings;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What sockets and calls may take beyond their own windows before the rest goes on without them.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long calls that are under way may take once nothing new is taken. A listener has a limit of its own, which is shorter.
const CALLS: Duration = Duration::from_secs(12);

/// What ends a process, and in which order its tasks end.
pub(crate) struct Lifecycle {
    /// Every task that is not essential.
    pub(crate) tasks: TaskTracker,
    /// Cancelled first: nothing is ready any more, and everything goes on.
    pub(crate) leaving: CancellationToken,
    /// Cancelled next: no new sockets, and open ones are closed.
    pub(crate) drain: CancellationToken,
    /// Cancelled when the sockets are gone: no new calls, and streams end.
    pub(crate) closing: CancellationToken,
    /// Cancelled when the calls are done: every task ends.
    pub(crate) stop: CancellationToken,
    /// Whatever answers calls until `closing`, and then finishes those under way.
    pub(crate) calls: TaskTracker,
    /// Tasks that run until they are told to end. One that ends earlier is a reason to stop.
    essential: JoinSet<String>,
    names: Vec<(String, AbortHandle)>,
    signals: Signals,
}

impl Lifecycle {
    /// For a process that is about to start. From here on a signal is an order to stop, and is carried out in order.
    pub(crate) fn new() -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let closing = stop.child_token();
        let drain = closing.child_token();
        Ok(Self {
            tasks: TaskTracker::new(),
            leaving: drain.child_token(),
            drain,
            closing,
            stop,
            calls: TaskTracker::new(),
            essential: JoinSet::new(),
            names: Vec::new(),
            signals: Signals::listen()?,
        })
    }

    /// Waits for what start-up needs. Fails when a signal comes first: then there is nothing yet that must end in order.
    pub(crate) async fn until<T>(
        &mut self,
        ready: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            ready = ready => ready,
            name = self.signals.next() => bail!("stopped by {name} before it had started"),
        }
    }

    /// Starts a task without which the process is of no use.
    pub(crate) fn essential(&mut self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let death = format!("{name} has ended by itself");
        let handle = self.essential.spawn(async move {
            task.await;
            death
        });
        self.names.push((name.to_owned(), handle));
    }

    /// Stops the process when a part cannot do its job again until it is started anew. One that only cannot now, as when the disk
    /// is full, is not ready, and goes on.
    pub(crate) fn watch(&mut self, name: &str, broken: CancellationToken) {
        let death = format!("{name} cannot do its job any more");
        let stop = self.stop.clone();
        self.essential.spawn(async move {
            tokio::select! {
                () = broken.cancelled() => {}
                () = stop.cancelled() => {}
            }
            death
        });
    }

    /// Waits for a reason to stop, and stops. `drained` ends when sockets are gone, which may take as long as `window`.
    /// Fails when the reason was not a signal, when a second signal forced the end, or when the hard limit did.
    pub(crate) async fn run(
        mut self,
        drained: impl Future<Output = ()>,
        window: Duration,
        settings: StopSettings,
    ) -> anyhow::Result<()> {
        let reason = tokio::select! {
            name = self.signals.next() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            death = died(&mut self.essential) => {
                tracing::error!(reason = %death, "stopping");
                Err(death)
            }
        };
        // Who is dead need not wait for others to notice.
        let lead = if reason.is_ok() { settings.lead } else { Duration::ZERO };
        let Self { tasks, leaving, drain, closing, stop, calls, mut essential, names, mut signals } = self;
        let step = Cell::new(Step::Leaving);
        let stopped = async {
            leaving.cancel();
            sleep(lead).await;
            step.set(Step::Sockets);
            drain.cancel();
            if timeout(window + PATIENCE, drained).await.is_err() {
                tracing::warn!("some sockets did not close in time");
            }
            step.set(Step::Calls);
            closing.cancel();
            calls.close();
            if timeout(CALLS, calls.wait()).await.is_err() {
                tracing::warn!("some calls did not end in time");
            }
            step.set(Step::Rest);
            stop.cancel();
            tasks.close();
            while essential.join_next().await.is_some() {}
            tasks.wait().await;
        };
        tokio::select! {
            ended = timeout(settings.timeout, stopped) => match ended {
                Ok(()) => tracing::info!("stopped"),
                Err(_) => bail!(
                    "stopped at once: it was not over within {:?} (stop.timeout); still under way: {}",
                    settings.timeout,
                    under_way(step.get(), &names, tasks.len())
                ),
            },
            _ = signals.next() => bail!(
                "stopped at once: a second signal came; still under way: {}",
                under_way(step.get(), &names, tasks.len())
            ),
        }
        reason
    }
}

/// How far a process is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Leaving,
    Sockets,
    Calls,
    Rest,
}

/// What did not end, for whoever asks why.
fn under_way(step: Step, names: &[(String, AbortHandle)], tasks: usize) -> String {
    let mut left: Vec<String> = match step {
        Step::Leaving => vec!["stop.lead".to_owned()],
        Step::Sockets => vec!["sockets".to_owned()],
        Step::Calls => vec!["calls".to_owned()],
        Step::Rest => Vec::new(),
    };
    left.extend(names.iter().filter(|(_, task)| !task.is_finished()).map(|(name, _)| name.clone()));
    if tasks > 0 {
        left.push(format!("{tasks} tasks"));
    }
    left.join(", ")
}

/// Ends when a task that must not end does.
async fn died(essential: &mut JoinSet<String>) -> anyhow::Error {
    match essential.join_next().await {
        Some(Ok(death)) => anyhow!(death),
        Some(Err(error)) if error.is_panic() => anyhow!("a task that must not end has panicked"),
        Some(Err(_)) | None => pending().await,
    }
}

/// The signals that ask for an end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Notes panics in the log, without what they say: that may be somebody's message.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a task has panicked");
    }));
}

#[cfg(test)]
mod tests;
