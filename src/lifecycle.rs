//! From the first signal to the exit: a soft stop, a grace, a hard stop. A second signal forces the end, and a task that
//! must not die stops the process when it does.

use std::{future::pending, time::Duration};

use anyhow::{anyhow, bail};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long work that is under way may take once sockets are gone.
const GRACE: Duration = Duration::from_secs(10);
/// How long a part may be unable to do its job before it counts as dead: a full disk is often emptied again.
const PATIENCE: Duration = Duration::from_secs(5);

/// What ends a process, and in which order its tasks end.
pub(crate) struct Lifecycle {
    /// Every task that is not essential.
    pub(crate) tasks: TaskTracker,
    /// Cancelled first: nothing new is begun, sockets are closed, readiness is false.
    pub(crate) drain: CancellationToken,
    /// Cancelled when the sockets are gone: every task ends.
    pub(crate) stop: CancellationToken,
    /// Tasks that run until the stop. One that ends earlier is a reason to stop.
    essential: JoinSet<String>,
    signals: Signals,
}

impl Lifecycle {
    /// For a process that is about to start. From here on a signal is an order to stop, and is carried out in order.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            tasks: TaskTracker::new(),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
            essential: JoinSet::new(),
            signals: Signals::listen()?,
        })
    }

    /// Starts a task without which the process is of no use.
    pub(crate) fn essential(&mut self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let death = format!("{name} has ended by itself");
        self.essential.spawn(async move {
            task.await;
            death
        });
    }

    /// Stops the process when a part cannot do its job any more, or is gone.
    pub(crate) fn watch(&mut self, name: &str, health: watch::Receiver<bool>) {
        let death = format!("{name} cannot do its job any more");
        let stop = self.stop.clone();
        self.essential.spawn(async move {
            tokio::select! {
                () = until_ill(health) => {}
                () = stop.cancelled() => {}
            }
            death
        });
    }

    /// Waits for a reason to stop, and stops. `drained` ends when sockets are gone, which may take as long as `window`.
    /// Fails when the reason was not a signal, or when a second signal forced the end.
    pub(crate) async fn run(
        mut self,
        drained: impl Future<Output = ()>,
        window: Duration,
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
        let stopped = async {
            self.drain.cancel();
            if timeout(window + PATIENCE, drained).await.is_err() {
                tracing::warn!("some sockets did not close in time");
            }
            self.stop.cancel();
            self.tasks.close();
            let ended = async {
                while self.essential.join_next().await.is_some() {}
                self.tasks.wait().await;
            };
            if timeout(GRACE, ended).await.is_err() {
                tracing::warn!("some work did not end in time");
            }
        };
        tokio::select! {
            () = stopped => tracing::info!("stopped"),
            _ = self.signals.next() => bail!("stopped at once: a second signal came"),
        }
        reason
    }
}

/// Ends when a task that must not end does.
async fn died(essential: &mut JoinSet<String>) -> anyhow::Error {
    match essential.join_next().await {
        Some(Ok(death)) => anyhow!(death),
        Some(Err(error)) if error.is_panic() => anyhow!("a task that must not end has panicked"),
        Some(Err(_)) | None => pending().await,
    }
}

/// Ends when health was lost and did not come back soon, or when whoever reported it is gone.
async fn until_ill(mut health: watch::Receiver<bool>) {
    loop {
        let healthy = *health.borrow_and_update();
        if !healthy {
            tokio::select! {
                () = sleep(PATIENCE) => return,
                changed = health.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            }
        }
        if health.changed().await.is_err() {
            return;
        }
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
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_task_that_must_not_end_stops_the_process_when_it_does() {
        let mut lifecycle = Lifecycle::new().unwrap();
        let (drain, stop) = (lifecycle.drain.clone(), lifecycle.stop.clone());
        lifecycle.essential("the listener", async {});
        let error = lifecycle.run(async {}, SECOND).await.unwrap_err();
        assert_eq!(error.to_string(), "the listener has ended by itself");
        assert!(drain.is_cancelled() && stop.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn work_under_way_is_waited_for_after_the_sockets_are_gone() {
        let mut lifecycle = Lifecycle::new().unwrap();
        let (drain, stop) = (lifecycle.drain.clone(), lifecycle.stop.clone());
        let (done, mut is_done) = watch::channel(false);
        lifecycle.tasks.spawn(async move {
            stop.cancelled().await;
            sleep(SECOND).await;
            let _ = done.send(true);
        });
        lifecycle.essential("the store", sleep(SECOND));
        let drained = async move {
            drain.cancelled().await;
            sleep(SECOND).await;
        };
        assert!(lifecycle.run(drained, SECOND).await.is_err());
        assert!(*is_done.borrow_and_update());
    }

    #[tokio::test(start_paused = true)]
    async fn health_that_comes_back_soon_is_no_death() {
        let (health, receiver) = watch::channel(true);
        let ill = tokio::spawn(until_ill(receiver));
        health.send(false).unwrap();
        sleep(SECOND).await;
        health.send(true).unwrap();
        sleep(PATIENCE * 2).await;
        assert!(!ill.is_finished());
        health.send(false).unwrap();
        sleep(PATIENCE * 2).await;
        assert!(ill.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_gone_is_dead() {
        let (health, receiver) = watch::channel(true);
        drop(health);
        until_ill(receiver).await;
    }
}
