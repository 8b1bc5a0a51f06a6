//! One run of a row.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use crate::{ledger::Ledger, options::Length};

/// What a row is given to run with.
pub(crate) struct Trial {
    /// How often to hurt.
    pub(crate) rounds: u32,
    /// Whether to take away what the promise rests on.
    pub(crate) control: bool,
    /// How much time there is.
    pub(crate) length: Length,
    /// Chance, the same for the same seed.
    pub(crate) chance: StdRng,
    home: TempDir,
}

impl Trial {
    /// A run that starts from `seed`, in an empty directory.
    pub(crate) fn new(rounds: u32, seed: u64, length: Length, control: bool) -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("causeway-fault-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        Ok(Self { rounds, control, length, chance: StdRng::seed_from_u64(seed), home: home? })
    }

    /// A directory that goes with the run.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A directory of that name in it.
    pub(crate) fn place(&self, name: &str) -> anyhow::Result<PathBuf> {
        let place = self.home.path().join(name);
        std::fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        Ok(place)
    }

    /// An empty ledger of that name.
    pub(crate) fn ledger(&self, name: &str) -> anyhow::Result<Ledger> {
        Ok(Ledger::new(self.place(name)?))
    }

    /// Tells whoever waits how far it is.
    pub(crate) fn say(&self, progress: impl std::fmt::Display) {
        println!("   {progress}");
    }
}
