//! Why a store cannot be opened.

use std::{error::Error as StdError, io, path::PathBuf, time::Duration};

use rusqlite::ErrorCode;

use super::engine::Failure;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store of this one, has it.
    #[error("{} is in use: another process runs on this data directory", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The file cannot be made, opened, or written.
    #[error("cannot write {}: {source}", path.display())]
    NotWritable {
        /// The database or lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer version of the software wrote it.
    #[error(
        "{place} has version {found} of the {owner} schema, and this version knows {known} at most: run a newer version on it"
    )]
    NewerSchema {
        /// The database.
        place: String,
        /// `kit`, or the name of the store.
        owner: &'static str,
        /// The version in the file.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// It is not a database, or a damaged one.
    #[error("{place} is damaged: {source}")]
    Damaged {
        /// The database.
        place: String,
        /// What the database says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// It has fewer events than were stored in it.
    #[error(
        "{} holds {has} events, and {noted} were stored: it or its write-ahead log was cut or damaged, or is an older copy. Bring \
         the files back as they were, or remove {} to go on with what is there",
        path.display(), mark.display()
    )]
    Shorter {
        /// The database file.
        path: PathBuf,
        /// Where it is noted.
        mark: PathBuf,
        /// How many there are.
        has: u64,
        /// How many were stored.
        noted: u64,
    },
    /// A step of the schema failed, and nothing of it was kept.
    #[error("{place}: version {version} ({name}) of the {owner} schema failed: {source}")]
    Migration {
        /// The database.
        place: String,
        /// `kit`, or the name of the store.
        owner: &'static str,
        /// The step's version.
        version: u32,
        /// The step's name.
        name: &'static str,
        /// What the database says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Anything else that the database refuses.
    #[error("cannot open {place}: {source}")]
    Database {
        /// The database.
        place: String,
        /// What the database says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The server does not answer, or does not let us in.
    #[error("{place} ({key}) cannot be reached: {source}; waited for {} s", waited.as_secs())]
    Unreachable {
        /// The database.
        place: String,
        /// The key that says where it is.
        key: &'static str,
        /// How long it was waited for.
        waited: Duration,
        /// Why it is not.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Opening it went wrong in a way that nobody thought of.
    #[error("the store could not be opened: its opening panicked")]
    Panicked,
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(#[source] io::Error),
}

impl OpenError {
    /// What the one who starts the process is told of a statement that failed.
    pub(super) fn of(place: &str, failure: Failure) -> Self {
        let place = place.to_owned();
        match &failure {
            Failure::Sqlite(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
                ) =>
            {
                Self::Damaged { place, source: failure.into() }
            }
            _ => Self::Database { place, source: failure.into() },
        }
    }
}
