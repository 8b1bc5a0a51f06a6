//! The table of leases: which process has which piece of work. [`crate::lease`] lives by it.
//!
//! No wall clock says that a lease has run out, because a clock that is set would have two at one piece of work: `until` is there
//! to be seen moving, and whoever has seen it stand still for as long as a lease lasts may take it. As a time it is read by people
//! only.

use super::{Reader, Tx};
use crate::{error::Error, params};

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) holder: String,
    /// Microseconds since the epoch.
    pub(crate) until: i64,
    pub(crate) wanted: String,
    pub(crate) note: String,
}

/// A lease that somebody has, or had when the process died.
pub(crate) fn get(reader: &Reader<'_>, name: &str) -> Result<Option<Entry>, Error> {
    let sql = "SELECT holder, until, wanted, note FROM lease WHERE name = ?1";
    reader.one(sql, [name], |row| {
        Ok(Entry { holder: row.get(0)?, until: row.get(1)?, wanted: row.get(2)?, note: row.get(3)? })
    })
}

/// Gives a lease to `holder` until then: one that nobody has, or, with `stale`, one that still stands as it was seen. False when it
/// is another's.
pub(crate) fn take(
    tx: &Tx<'_>,
    name: &str,
    holder: &str,
    until: i64,
    stale: Option<&Entry>,
) -> Result<bool, Error> {
    let changed = match stale {
        None => {
            let sql =
                "INSERT INTO lease (name, holder, until) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING";
            tx.execute(sql, params![name, holder, until])
        }
        Some(seen) => {
            let sql = "UPDATE lease SET holder = ?2, until = max(until + 1, ?3), wanted = '', note = ''
                       WHERE name = ?1 AND holder = ?4 AND until = ?5";
            tx.execute(sql, params![name, holder, until, seen.holder, seen.until])
        }
    };
    Ok(changed? > 0)
}

/// Lets a lease last until then, and notes what its holder tells. False when `holder` has it no more.
pub(crate) fn renew(tx: &Tx<'_>, name: &str, holder: &str, until: i64, note: &str) -> Result<bool, Error> {
    let sql = "UPDATE lease SET until = max(until + 1, ?3), note = ?4 WHERE name = ?1 AND holder = ?2";
    Ok(tx.execute(sql, params![name, holder, until, note])? > 0)
}

/// Gives a lease up, where `holder` has it.
pub(crate) fn release(tx: &Tx<'_>, name: &str, holder: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM lease WHERE name = ?1 AND holder = ?2", [name, holder]).map(drop)
}

/// Whether `holder` has it.
pub(crate) fn is_held(reader: &Reader<'_>, name: &str, holder: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2";
    Ok(reader.one(sql, [name, holder], |_| Ok(()))?.is_some())
}

/// Asks something of whoever has a lease.
pub(crate) fn ask(tx: &Tx<'_>, name: &str, wanted: &str) -> Result<(), Error> {
    tx.execute("UPDATE lease SET wanted = ?2 WHERE name = ?1", [name, wanted]).map(drop)
}
