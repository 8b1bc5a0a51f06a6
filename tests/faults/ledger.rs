//! What clients attempted, what they were promised, what they saw: each in a file of its own, written as it happens. And the
//! checker, which compares it with what is stored.
//!
//! A message is known by its key, which its sender gives it (`client_message_id`, and the text). Start with [`Pen`], which
//! writes; [`Told`] is what was written, [`Stored`] what the services have, and [`check`] proves the promise or says, message by
//! message, where it is broken. Its tests are a program of their own, `checker.rs`.

mod account;
mod check;
mod pen;
mod stored;
mod violation;

use std::path::PathBuf;

pub(crate) use account::{Account, Told};
pub(crate) use check::{Checked, check};
pub(crate) use pen::Pen;
pub(crate) use stored::{Entry, Log, Stored};
pub(crate) use violation::{Violation, Violations};

/// A directory with a file for each client.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    dir: PathBuf,
}

impl Ledger {
    /// A ledger in a directory that is there.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The pen of a client, which writes on at the end of what it wrote before.
    pub(crate) fn pen(&self, client: &str) -> anyhow::Result<Pen> {
        Pen::open(&self.dir.join(client))
    }

    /// Everything that was written.
    pub(crate) fn read(&self) -> anyhow::Result<Told> {
        Told::read(&self.dir)
    }
}
