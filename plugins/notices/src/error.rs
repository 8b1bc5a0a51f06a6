//! Why a source cannot be read now, in words for the person who looks at its account. No address and no credential is in them.

use std::{error::Error, time::Duration};

use causeway_plugin_sdk::proto::plugin::AccountState;

/// Why a feed could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// Its server says no.
    #[error("the feed's server answers {status}")]
    Status {
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Nobody answers, or the answer breaks off.
    #[error("the feed cannot be reached: {0}")]
    Unreachable(String),
    #[error("the feed's server does not answer in time")]
    TimedOut,
    #[error("the feed is longer than 2 MiB")]
    TooLong,
    #[error(transparent)]
    NotPublic(#[from] NotPublic),
    /// It is not a feed.
    #[error("the feed cannot be read: {0}")]
    Unreadable(String),
}

/// A feed's name stands for an address where feeds may not lie.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the feed, or what it redirects to, is at a private address; allow_private_addresses allows that")]
pub(crate) struct NotPublic;

/// Why a table cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("PostgreSQL: {}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("PostgreSQL does not answer in time")]
    TimedOut,
    #[error("the connection to PostgreSQL is lost")]
    Lost,
    #[error("there is no table {0}")]
    NoTable(String),
    #[error("the table has no column {0}")]
    NoColumn(String),
    #[error("the table says of no row whom it is for: set `to`, or name a column that does")]
    NoTarget,
}

impl FeedError {
    pub(crate) fn state(&self) -> AccountState {
        match self {
            Self::Status { status: 401 | 403, .. } => AccountState::BadCredentials,
            Self::Status { .. }
            | Self::Unreachable(_)
            | Self::TimedOut
            | Self::TooLong
            | Self::NotPublic(_)
            | Self::Unreadable(_) => AccountState::Reconnecting,
        }
    }

    /// How long the feed wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Unreachable(_)
            | Self::TimedOut
            | Self::TooLong
            | Self::NotPublic(_)
            | Self::Unreadable(_) => None,
        }
    }
}

impl From<reqwest::Error> for FeedError {
    fn from(error: reqwest::Error) -> Self {
        // The address may hold credentials.
        let error = error.without_url();
        if error.is_timeout() {
            return Self::TimedOut;
        }
        match causes(&error).find_map(|cause| cause.downcast_ref::<NotPublic>()) {
            Some(not_public) => Self::NotPublic(*not_public),
            None => Self::Unreachable(innermost(&error)),
        }
    }
}

impl TableError {
    pub(crate) fn state(&self) -> AccountState {
        use tokio_postgres::error::SqlState;
        match self {
            Self::Postgres(error) => match error.code() {
                Some(code)
                    if [
                        SqlState::INVALID_PASSWORD,
                        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                        SqlState::INSUFFICIENT_PRIVILEGE,
                    ]
                    .contains(code) =>
                {
                    AccountState::BadCredentials
                }
                Some(_) | None => AccountState::Reconnecting,
            },
            Self::TimedOut | Self::Lost | Self::NoTable(_) | Self::NoColumn(_) | Self::NoTarget => {
                AccountState::Reconnecting
            }
        }
    }
}

/// What the server said, or what kept us from it.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => innermost(error),
    }
}

/// An error and all that caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error with the cause at the bottom of it, which says most.
fn innermost(error: &(dyn Error + 'static)) -> String {
    match causes(error).skip(1).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
