//! Whether a store can be written, and what its failures mean for that.

use rusqlite::ErrorCode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::engine::Failure;
use crate::error::Error;

/// The health of a store, shared by its writer and readers.
pub(super) struct Condition {
    name: &'static str,
    well: watch::Sender<bool>,
    broken: CancellationToken,
}

/// How far a failure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The statement was wrong.
    Own,
    /// The store cannot be written now.
    Passing,
    /// What is on the disk cannot be trusted any more.
    Fatal,
}

impl Condition {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, well: watch::Sender::new(true), broken: CancellationToken::new() }
    }

    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.well.subscribe()
    }

    pub(super) fn is_well(&self) -> bool {
        *self.well.borrow()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_cancelled()
    }

    /// Cancelled when the store takes no more writes.
    pub(super) fn broken(&self) -> CancellationToken {
        self.broken.clone()
    }

    /// Something was written again after a passing trouble.
    pub(super) fn recovered(&self) {
        if !self.is_broken() && !self.well.send_replace(true) {
            tracing::info!(store = self.name, "the store can be written again");
        }
    }

    /// The writer has ended, and nothing can be written any more.
    pub(super) fn ended(&self) {
        self.broken.cancel();
        self.well.send_replace(false);
    }

    /// Takes note of a failure, and says what the caller of the job is told.
    pub(super) fn failed(&self, error: Failure) -> Error {
        match trouble(&error) {
            Trouble::Own => Error::internal(error),
            Trouble::Passing => {
                if self.well.send_replace(false) {
                    tracing::warn!(store = self.name, %error, "the store cannot be written now");
                }
                Error::unavailable("the store cannot be used now")
            }
            Trouble::Fatal => {
                if !self.broken.is_cancelled() {
                    tracing::error!(store = self.name, %error, "the store is broken and takes no more writes");
                }
                self.well.send_replace(false);
                self.broken.cancel();
                broken()
            }
        }
    }
}

/// What a caller is told when the store takes no more writes.
pub(super) fn broken() -> Error {
    Error::unavailable("the store takes no writes")
}

/// After a failed fsync nobody knows what is on the disk, and a second fsync that succeeds proves nothing; so an I/O error is
/// fatal, wherever it comes up.
fn trouble(failure: &Failure) -> Trouble {
    let error = match failure {
        Failure::Sqlite(error) => error,
        Failure::Postgres(error) => return error.trouble(),
        Failure::Mismatch(_) | Failure::TooLarge => return Trouble::Own,
    };
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::FileLockingProtocolFailed,
        ) => Trouble::Passing,
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Trouble::Fatal
        }
        _ => Trouble::Own,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> Failure {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[test]
    fn a_full_disk_passes() {
        let condition = Condition::new("test");
        assert!(matches!(condition.failed(sqlite(ffi::SQLITE_FULL)), Error::Unavailable(_)));
        assert!(!condition.is_well() && !condition.is_broken());
        condition.recovered();
        assert!(condition.is_well());
    }

    #[test]
    fn a_failed_fsync_is_for_good() {
        let condition = Condition::new("test");
        assert!(matches!(condition.failed(sqlite(ffi::SQLITE_IOERR_FSYNC)), Error::Unavailable(_)));
        condition.recovered();
        assert!(condition.is_broken() && !condition.is_well());
    }

    #[test]
    fn a_wrong_statement_is_its_own_fault() {
        let condition = Condition::new("test");
        assert!(matches!(condition.failed(sqlite(ffi::SQLITE_CONSTRAINT)), Error::Internal(_)));
        assert!(condition.is_well());
    }
}
