//! The ledger of `tests/faults`, which knows nothing of how messages came about.

#[path = "../faults/ledger/account.rs"]
mod account;
#[path = "../faults/ledger/check.rs"]
mod check;
#[path = "../faults/ledger/pen.rs"]
mod pen;
#[path = "../faults/ledger/stored.rs"]
mod stored;
#[path = "../faults/ledger/violation.rs"]
mod violation;

use std::{fs, path::PathBuf};

pub(crate) use account::{Account, Told};
pub(crate) use check::{Checked, check};
pub(crate) use pen::Pen;
pub(crate) use stored::{Entry, Log, Stored};
pub(crate) use violation::{Violation, Violations};

/// A directory with a file for each client.
pub(crate) struct Ledger(PathBuf);

impl Ledger {
    /// A ledger in an empty directory, which is made.
    pub(crate) fn new(dir: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }

    /// The pen of a client.
    pub(crate) fn pen(&self, client: &str) -> anyhow::Result<Pen> {
        Pen::open(&self.0.join(client))
    }

    /// Everything that was written.
    pub(crate) fn read(&self) -> anyhow::Result<Told> {
        Told::read(&self.0)
    }
}
