//! What is under way at the services for one socket: one call in each lane.

use std::{future::poll_fn, sync::Arc, task::Poll};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    auth::AuthError,
    backend::call::{Call, Caller, Outcome},
    command::Token,
    fault::{Code, Fault},
    session::action::Lane,
    shared::Shared,
};

/// The calls of one socket.
pub(super) struct Calls {
    commands: Option<BoxFuture<'static, Outcome>>,
    aside: Option<BoxFuture<'static, Outcome>>,
    allow_opaque: bool,
}

impl Calls {
    /// None under way; a new token may be opaque where `allow_opaque` says so.
    pub(super) fn new(allow_opaque: bool) -> Self {
        Self { commands: None, aside: None, allow_opaque }
    }

    /// Starts a call in a lane in which none is under way.
    pub(super) fn start(&mut self, shared: &Arc<Shared>, caller: &Arc<Caller>, lane: Lane, call: Call) {
        let (shared, caller, allow_opaque) = (shared.clone(), caller.clone(), self.allow_opaque);
        let call = async move {
            match call {
                Call::Refresh(token) => Outcome::Refreshed(refresh(&shared, &token, allow_opaque).await),
                call => shared.backend.carry_out(caller, call).await,
            }
        };
        *self.lane(lane) = Some(call.boxed());
    }

    /// Whether no call is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.commands.is_none() && self.aside.is_none()
    }

    /// Waits for the outcome of a call; for ever when none is under way. It is safe to drop the future.
    pub(super) async fn next(&mut self) -> (Lane, Outcome) {
        poll_fn(|context| {
            for lane in [Lane::Commands, Lane::Aside] {
                let place = self.lane(lane);
                if let Some(call) = place
                    && let Poll::Ready(outcome) = call.poll_unpin(context)
                {
                    *place = None;
                    return Poll::Ready((lane, outcome));
                }
            }
            Poll::Pending
        })
        .await
    }

    fn lane(&mut self, lane: Lane) -> &mut Option<BoxFuture<'static, Outcome>> {
        match lane {
            Lane::Commands => &mut self.commands,
            Lane::Aside => &mut self.aside,
        }
    }
}

async fn refresh(
    shared: &Shared,
    token: &Token,
    allow_opaque: bool,
) -> Result<Box<crate::auth::Identity>, Fault> {
    match shared.live().auth.verify(token, allow_opaque).await {
        Ok(identity) => Ok(Box::new(identity)),
        Err(AuthError::Unavailable) => {
            Err(Fault::new(Code::Unavailable, "not available right now; try again"))
        }
        Err(AuthError::Expired) => Err(Fault::field("token", "has expired")),
        Err(AuthError::NoToken | AuthError::Invalid) => Err(Fault::field("token", "is not valid")),
    }
}
