//! Asks something whether it is ready only when it has rung, or has not been asked yet. A socket waits for many things at
//! once and is woken for one of them; the others need not be asked each time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// The doorbell of one thing that is waited for.
#[derive(Debug)]
pub(super) struct Doorbell {
    bell: Arc<Bell>,
    waker: Waker,
}

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Default for Doorbell {
    fn default() -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: bell.clone().into(), bell }
    }
}

impl Doorbell {
    /// Polls what is waited for when that can have changed anything.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        // In this order: whoever rings after the look wakes the task.
        self.bell.task.register(context.waker());
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let polled = poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.bell.rung.store(true, Ordering::Release);
        }
        polled
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_has_not_rung_is_asked_once_and_what_rings_is_heard() {
        let (sender, mut receiver) = mpsc::channel(9);
        let bell = Doorbell::default();
        let (mut asked, mut heard) = (0, Vec::new());
        for sent in [None, None, None, Some(1), None, Some(2)] {
            if let Some(sent) = sent {
                sender.send(sent).await.unwrap();
            }
            let mut ask = |context: &mut Context<'_>| {
                asked += 1;
                receiver.poll_recv(context)
            };
            heard.push(poll_fn(|context| bell.poll(context, &mut ask)).now_or_never().flatten());
        }
        assert_eq!(heard, [None, None, None, Some(1), None, Some(2)]);
        assert_eq!(asked, 4, "at first, for each that came, and once after the first of them");
    }

    #[tokio::test]
    async fn a_task_that_waits_is_woken() {
        let (sender, mut receiver) = mpsc::channel(1);
        let bell = Doorbell::default();
        let wait =
            async move { poll_fn(|context| bell.poll(context, |context| receiver.poll_recv(context))).await };
        let waiting = tokio::spawn(wait);
        tokio::task::yield_now().await;
        sender.send(1).await.unwrap();
        assert_eq!(waiting.await.unwrap(), Some(1));
    }
}
