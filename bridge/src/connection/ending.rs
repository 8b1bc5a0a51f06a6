//! How a socket ends: it hears nothing more at once, but what the client had said is carried out.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::{Connection, calls::Calls, now};
use crate::{
    session::{
        Session,
        action::{Action, Close},
    },
    shared::Shared,
};

/// Why a socket is served no more.
#[derive(Debug)]
pub(super) enum End {
    /// The connection is lost.
    Gone,
    /// The peer closes.
    Left,
    /// We close.
    Close(Close),
}

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Ends the socket: its topics and its place among the present are given up before anything else is
    /// waited for.
    pub(super) async fn end(self: Box<Self>, end: End) {
        let Self { wire, shared, session, membership, registration, mail, calls, actions, metrics, .. } =
            *self;
        drop((membership, registration, mail));
        let (patience, within) = (shared.settings.close_timeout, shared.settings.reconnect_within);
        let goodbye = async {
            match end {
                End::Gone => drop(wire),
                End::Left => wire.close(None, patience).await,
                End::Close(close) => {
                    metrics.closed(close.reason);
                    let reason = close.text(within);
                    wire.close(Some((close.code, reason)), patience).await;
                }
            }
        };
        tokio::join!(goodbye, Rest { shared, session, calls }.carry_on(actions));
    }
}

/// What is left of a socket: what its client had said, and its place within the user's limits.
struct Rest {
    shared: Arc<Shared>,
    session: Session,
    calls: Calls,
}

impl Rest {
    /// Carries out what the client had said. Nobody hears the answers.
    async fn carry_on(mut self, mut actions: Vec<Action>) {
        let patience = self.shared.settings.call_timeout;
        let carrying_on = async {
            self.session.finish(&mut actions);
            loop {
                for action in actions.drain(..) {
                    if let Action::Call(lane, call) = action {
                        self.calls.start(&self.shared, self.session.caller(), lane, *call);
                    }
                }
                if self.calls.is_idle() {
                    return;
                }
                let (lane, outcome) = self.calls.next().await;
                self.session.on_outcome(now(&self.shared), lane, outcome, &mut actions);
            }
        };
        if timeout(patience, carrying_on).await.is_err() {
            tracing::debug!("a socket ended before everything was carried out");
        }
    }
}
