//! How many files, and so how many sockets, this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no sockets of clients: stores, logs, listeners, connections between the parts.
pub(crate) const RESERVED: u64 = 256;

/// Raises the soft limit to the hard one. Shells give 1024 or so, a bridge holds ten thousands.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// How far the limit can be raised; `None` when there is none.
pub(crate) fn open_files_at_most() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}
