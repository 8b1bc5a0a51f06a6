//! How a server can fail a caller.

use std::collections::VecDeque;

use super::answer::Refusal;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Does nothing, and answers with this status; with seconds, as 429 has them.
    Status(u16, Option<u32>),
    /// Does nothing, and answers as a proxy on the way would: 502 and a page.
    BadGateway,
    /// Does what was asked, and never answers.
    Hang,
    /// Does what was asked, and closes the connection.
    CloseAfterReceiving,
}

impl Failure {
    /// The answer of a failure that does nothing.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Status(code, retry_after) => Some(Refusal::status(code, retry_after)),
            Self::BadGateway | Self::Hang | Self::CloseAfterReceiving => None,
        }
    }
}

/// Failures to come: of questions for updates, and of all else.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    polls: VecDeque<(u64, Failure)>,
    calls: VecDeque<(u64, Failure)>,
}

impl Failures {
    pub(crate) fn plan(&mut self, is_poll: bool, count: u64, failure: Failure) {
        let plan = if is_poll { &mut self.polls } else { &mut self.calls };
        plan.push_back((count, failure));
    }

    pub(crate) fn next(&mut self, is_poll: bool) -> Option<Failure> {
        let plan = if is_poll { &mut self.polls } else { &mut self.calls };
        while let Some((left, failure)) = plan.front_mut() {
            if *left > 0 {
                *left -= 1;
                return Some(*failure);
            }
            plan.pop_front();
        }
        None
    }
}
