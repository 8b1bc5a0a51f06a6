//! Where the promise is broken.

use std::fmt;

/// How many of them are said; the rest are counted.
const SAID: usize = 4;

/// One breach, of one message or one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    /// The worst.
    #[error("lost: {client} was told that {key} is stored in {room} as message {id}, and it is not")]
    Lost { client: String, room: String, key: String, id: u64 },
    #[error("{client} was told that {key} is message {told} of {room}, and it is {found}")]
    OtherId { client: String, room: String, key: String, told: u64, found: u64 },
    #[error("{key} is stored in {room}, and nobody sent it")]
    Invented { room: String, key: String },
    #[error("{key} is stored in {room} twice, as messages {first} and {second}")]
    StoredTwice { room: String, key: String, first: u64, second: u64 },
    #[error("the log of {room} has no event {missing}: {found} follows")]
    Gap { room: String, missing: u64, found: u64 },
    #[error("log and history of {room} differ at place {place}: {log} in the log, {history} in the history")]
    Disagree { room: String, place: usize, log: String, history: String },
    #[error("{client} was never shown {key}, message {id} of {room}")]
    Unseen { client: String, room: String, key: String, id: u64 },
    #[error("{client} was shown {key} of {room} twice")]
    SeenTwice { client: String, room: String, key: String },
    #[error("{client} was shown {key}, message {id} of {room}, which is not stored")]
    SeenAndGone { client: String, room: String, key: String, id: u64 },
    #[error("{client} was shown {key} of {room} out of order, before {before}")]
    Disorder { client: String, room: String, key: String, before: String },
}

/// All breaches that were found; never none.
#[derive(Debug)]
pub(crate) struct Violations(pub(crate) Vec<Violation>);

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} breaches", self.0.len())?;
        self.0.iter().take(SAID).try_for_each(|violation| write!(f, "\n      {violation}"))?;
        match self.0.len().saturating_sub(SAID) {
            0 => Ok(()),
            more => write!(f, "\n      and {more} more"),
        }
    }
}
