//! Brings a database's schema up to date, first the kit's tables, then the service's. Never down.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    Migration, StoreOptions,
    open::{OpenError, refusal},
};

/// The kit's own tables.
const KIT: &[Migration] = &[
    Migration { version: 1, name: "log and outbox", sql: include_str!("migrations/0001.sql") },
    Migration { version: 2, name: "plugins", sql: include_str!("migrations/0002.sql") },
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    owner TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (owner, version)
) STRICT, WITHOUT ROWID";

pub(super) fn migrate(connection: &mut Connection, options: &StoreOptions) -> Result<(), OpenError> {
    connection.execute_batch(LEDGER).map_err(|error| refusal(&options.path, error))?;
    // Both are looked at before either is touched.
    let kit = version(connection, options, "kit", KIT)?;
    let service = version(connection, options, options.name, options.migrations)?;
    apply(connection, options, "kit", KIT, kit)?;
    apply(connection, options, options.name, options.migrations, service)
}

/// The version in the file; refused when it is newer than what is known.
fn version(
    connection: &Connection,
    options: &StoreOptions,
    owner: &'static str,
    known: &[Migration],
) -> Result<u32, OpenError> {
    let sql = "SELECT coalesce(max(version), 0) FROM migration WHERE owner = ?1";
    let found: u32 = connection
        .query_row(sql, [owner], |row| row.get(0))
        .map_err(|error| refusal(&options.path, error))?;
    let known = known.iter().map(|migration| migration.version).max().unwrap_or(0);
    if found > known {
        return Err(OpenError::NewerSchema { path: options.path.clone(), owner, found, known });
    }
    Ok(found)
}

fn apply(
    connection: &mut Connection,
    options: &StoreOptions,
    owner: &'static str,
    migrations: &[Migration],
    from: u32,
) -> Result<(), OpenError> {
    for migration in migrations.iter().filter(|migration| migration.version > from) {
        step(connection, owner, migration, options.clock.now_micros()).map_err(|error| {
            OpenError::Migration {
                path: options.path.clone(),
                owner,
                version: migration.version,
                name: migration.name,
                source: error.into(),
            }
        })?;
        tracing::info!(
            store = options.name,
            owner,
            version = migration.version,
            name = migration.name,
            "migrated"
        );
    }
    Ok(())
}

/// One step, wholly or not at all.
fn step(connection: &mut Connection, owner: &str, migration: &Migration, now: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migration (owner, version, name, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![owner, migration.version, migration.name, now],
    )?;
    transaction.commit()
}
