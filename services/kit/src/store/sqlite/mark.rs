//! How much was stored, noted beside the database: `chat.db-mark`.
//!
//! SQLite takes a write-ahead log that was cut, or has one flipped bit, for one that ends there, and says nothing: after that the
//! history is shorter, and nobody knows. So after each commit the number of events ever stored is written into a file of its
//! own. It is written after the commit is on the disk and is not synced itself: whatever dies when, it never says more than the
//! database must have, and at worst less. A database that has fewer events than that was damaged, or is an older copy.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// The number of events, and the same number with every bit turned: a mark that is damaged itself says nothing.
const LENGTH: usize = 16;

/// The mark of a database.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-mark");
    path.into()
}

/// The open file.
pub(super) struct Mark {
    file: File,
    events: u64,
}

impl Mark {
    /// Opens the mark of a database, or begins one; how many events it says were stored.
    pub(super) fn open(database: &Path) -> io::Result<(Self, Option<u64>)> {
        let file = super::open::private().open(path(database))?;
        let mut bytes = [0; LENGTH];
        let noted = file.read_exact_at(&mut bytes, 0).ok().and_then(|()| parse(bytes));
        Ok((Self { file, events: noted.unwrap_or(0) }, noted))
    }

    /// Takes over what the database has, which is no less than what was noted.
    pub(super) fn begin(&mut self, events: u64) {
        self.events = events;
        self.write();
    }

    /// So many more events were committed.
    pub(super) fn add(&mut self, events: u64) {
        if events > 0 {
            self.events += events;
            self.write();
        }
    }

    /// Before an orderly stop ends.
    pub(super) fn sync(&self) {
        // An older mark says less, and nothing wrong.
        drop(self.file.sync_data());
    }

    fn write(&self) {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&self.events.to_le_bytes());
        bytes[8..].copy_from_slice(&(!self.events).to_le_bytes());
        drop(self.file.write_all_at(&bytes, 0));
    }
}

fn parse(bytes: [u8; LENGTH]) -> Option<u64> {
    let (events, turned) = bytes.split_first_chunk()?;
    let events = u64::from_le_bytes(*events);
    (turned == (!events).to_le_bytes()).then_some(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("test.db");
        let (mut mark, noted) = Mark::open(&database).unwrap();
        assert_eq!(noted, None);
        mark.begin(7);
        mark.add(3);
        assert_eq!(Mark::open(&database).unwrap().1, Some(10));
    }

    #[test]
    fn a_damaged_mark_says_nothing() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("test.db");
        Mark::open(&database).unwrap().0.begin(7);
        let path = home.path().join("test.db-mark");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Mark::open(&database).unwrap().1, None);
    }
}
