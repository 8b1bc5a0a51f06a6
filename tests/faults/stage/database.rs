//! A store's file, looked at without Causeway.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use rusqlite::{Connection, OptionalExtension, params};

use crate::outcome::{Failure, broken};

/// The stores of a data directory that are there.
pub(crate) fn all(data: &Path) -> Vec<PathBuf> {
    let names = ["chat.db", "notification.db", "presence.db"];
    names.iter().map(|name| data.join(name)).filter(|path| path.exists()).collect()
}

/// Copies a database with its log, as it lies there, without opening it.
pub(crate) fn copy(database: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    let name = database.file_name().context("a database has a name")?;
    for ending in ["", "-wal"] {
        let from = beside(database, ending);
        if from.exists() {
            std::fs::copy(&from, beside(&to.join(name), ending))?;
        }
    }
    Ok(to.join(name))
}

/// The file beside a database with this ending: `-wal`.
pub(crate) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Has SQLite prove that every page, row and index is whole. The database is changed by looking: give it a copy.
pub(crate) fn is_whole(database: &Path) -> Result<(), Failure> {
    let connection = Connection::open(database).map_err(anyhow::Error::from)?;
    let found = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => broken!("{}: integrity_check: {found}", database.display()),
        Err(error) => broken!("{}: integrity_check: {error}", database.display()),
    }
}

/// Has SQLite put everything that is in a database's log into the database itself.
pub(crate) fn fold(database: &Path) -> anyhow::Result<()> {
    let connection = Connection::open(database)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?;
    anyhow::ensure!(!busy, "{} is in use", database.display());
    Ok(())
}

/// Forgets a room's messages from this one on, as if they had never been written. One that is forgotten already stays so: its id may
/// have been given to a later one, and then either is the newest.
pub(crate) fn forget(database: &Path, room: &str, key: &str) -> anyhow::Result<()> {
    let connection = Connection::open(database)?;
    let topic = format!("conversation/{room}");
    let sql = "SELECT topic.id, min(event.sequence) FROM topic JOIN event ON event.topic = topic.id
               WHERE topic.name = ?1 AND instr(event.body, CAST(?2 AS BLOB)) > 0 GROUP BY topic.id";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let found = connection.query_row(sql, params![topic, key], row).optional()?;
    let Some((topic, sequence)) = found else { return Ok(()) };
    connection.execute("DELETE FROM event WHERE topic = ?1 AND sequence >= ?2", params![topic, sequence])?;
    connection.execute("UPDATE topic SET head = ?2 - 1 WHERE id = ?1", params![topic, sequence])?;
    let sql = "DELETE FROM message WHERE conversation_id = ?1 AND id >=
               (SELECT min(id) FROM message WHERE conversation_id = ?1 AND instr(body, CAST(?2 AS BLOB)) > 0)";
    connection.execute(sql, params![room, key])?;
    // The mark would tell at the start, and the ledger is to tell.
    let mut mark = database.as_os_str().to_owned();
    mark.push("-mark");
    std::fs::remove_file(mark)?;
    Ok(())
}

/// Makes every event of a log so much older.
pub(crate) fn age(database: &Path, by: Duration) -> anyhow::Result<()> {
    let connection = Connection::open(database)?;
    connection.execute("UPDATE event SET time = time - ?1", [i64::try_from(by.as_micros())?])?;
    Ok(())
}
