//! What can go wrong with PostgreSQL, and how far it reaches.

use tokio_postgres::error::SqlState;

use crate::store::condition::Trouble;

/// Why a statement did not do what it should, or there was nobody to do it.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The server says so, or the connection does.
    #[error("{}", told(.0))]
    Server(#[from] tokio_postgres::Error),
    /// It takes too long.
    #[error("PostgreSQL does not answer in time")]
    Late,
    /// The connection was lost, and it is too soon for another.
    #[error("there is no connection to PostgreSQL")]
    Away,
    /// The transaction was spoilt by an earlier statement.
    #[error("an earlier statement of the transaction failed")]
    Spoilt,
    /// The schema is another than this process knows.
    #[error(
        "the database has version {found} of the {owner} schema since this process started, which knows {known}: restart it \
         with the version that brought it up to date"
    )]
    Outdated {
        /// `kit`, or the name of the store.
        owner: &'static str,
        /// The version in the database.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The operating system refuses what a connection needs.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

impl PostgresError {
    /// How far it reaches.
    pub(in crate::store) fn trouble(&self) -> Trouble {
        match self {
            Self::Server(error) => match error.code() {
                None => Trouble::Passing,
                Some(code) => of_state(code),
            },
            Self::Late | Self::Away | Self::System(_) => Trouble::Passing,
            Self::Spoilt => Trouble::Own,
            Self::Outdated { .. } => Trouble::Fatal,
        }
    }

    /// Whether the connection is of no further use.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.is_closed() || error.code().is_none_or(|code| of_state(code) == Trouble::Passing)
            }
            Self::Late | Self::Away | Self::System(_) => true,
            Self::Spoilt | Self::Outdated { .. } => false,
        }
    }

    /// Whether the server has answered that it will never let this in, however long one waits.
    pub(super) fn is_refusal(&self) -> bool {
        let Self::Server(error) = self else { return false };
        error.code().is_some_and(|code| matches!(&code.code()[..2], "28" | "3D" | "42"))
    }
}

/// Classes of errors (PostgreSQL, Appendix A) that say nothing of the statement: connections, resources, operators, and a server
/// that may not be written to, as a standby.
fn of_state(code: &SqlState) -> Trouble {
    let code = code.code();
    match &code[..2] {
        "08" | "53" | "57" | "58" | "40" => Trouble::Passing,
        _ if ["25P03", "25006", "55P03", "28000", "28P01", "3D000"].contains(&code) => Trouble::Passing,
        "XX" if code != "XX000" => Trouble::Fatal,
        _ => Trouble::Own,
    }
}

/// What the server says, in full: by itself the error says only whence it comes.
fn told(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(server), _) => format!("{} (SQLSTATE {})", server.message(), server.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
