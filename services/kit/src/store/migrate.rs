//! Brings a database's schema up to date, first the kit's tables, then the service's. Never down.

use super::{
    OpenError, StoreOptions,
    engine::{Dialect, Failure, Next, Statements},
    schema::{KIT, Migration},
    value::ToValue,
};
use crate::params;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    owner TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (owner, version)
) STRICT, WITHOUT ROWID;";

/// A database whose schema is brought up to date. Nobody else does so at the same time.
pub(super) struct Migrating<'m> {
    pub(super) statements: &'m dyn Statements,
    /// How the database is called in errors.
    pub(super) place: &'m str,
    pub(super) options: &'m StoreOptions,
}

impl Migrating<'_> {
    pub(super) fn run(&self) -> Result<(), OpenError> {
        let service = (self.options.name, self.options.migrations);
        self.statements.script(LEDGER).map_err(|failure| self.refusal(failure))?;
        // Both are looked at before either is touched.
        let versions = [("kit", KIT), service].map(|(owner, known)| self.version(owner, known));
        let [kit, own] = versions;
        let (kit, own) = (kit?, own?);
        self.apply("kit", KIT, kit)?;
        self.apply(service.0, service.1, own)
    }

    /// The version in the database; refused when it is newer than what is known.
    fn version(&self, owner: &'static str, known: &[Migration]) -> Result<u32, OpenError> {
        let found = applied(self.statements, owner).map_err(|failure| self.refusal(failure))?;
        let known = newest(known);
        if found > known {
            return Err(OpenError::NewerSchema { place: self.place.to_owned(), owner, found, known });
        }
        Ok(found)
    }

    fn apply(&self, owner: &'static str, migrations: &[Migration], from: u32) -> Result<(), OpenError> {
        for migration in migrations.iter().filter(|migration| migration.version > from) {
            let &Migration { version, name, .. } = migration;
            self.step(owner, migration).map_err(|failure| OpenError::Migration {
                place: self.place.to_owned(),
                owner,
                version,
                name,
                source: failure.into(),
            })?;
            tracing::info!(store = self.options.name, owner, version, name, "migrated");
        }
        Ok(())
    }

    /// One step, wholly or not at all.
    fn step(&self, owner: &str, migration: &Migration) -> Result<(), Failure> {
        self.statements.script("BEGIN")?;
        let made = self.statements.script(migration.sql).and_then(|()| match self.statements.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.statements.script(migration.postgres),
        });
        let applied = made.and_then(|()| {
            let sql = "INSERT INTO migration (owner, version, name, applied_at) VALUES (?1, ?2, ?3, ?4)";
            let now = self.options.clock.now_micros();
            self.statements.execute(sql, params![owner, migration.version, migration.name, now])
        });
        match applied {
            Ok(_) => self.statements.script("COMMIT"),
            Err(failure) => {
                // Whether or not that works, nothing was committed.
                let _ = self.statements.script("ROLLBACK");
                Err(failure)
            }
        }
    }

    fn refusal(&self, failure: Failure) -> OpenError {
        OpenError::of(self.place, failure)
    }
}

/// The newest of these steps.
pub(super) fn newest(known: &[Migration]) -> u32 {
    known.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The newest step of an owner's that was applied; 0 for none.
fn applied(statements: &dyn Statements, owner: &str) -> Result<u32, Failure> {
    let mut found = 0;
    let sql = "SELECT coalesce(max(version), 0) FROM migration WHERE owner = ?1";
    statements.query(sql, &[owner.to_value()], &mut |row| {
        found = row.get(0)?;
        Ok(Next::Enough)
    })?;
    Ok(found)
}
