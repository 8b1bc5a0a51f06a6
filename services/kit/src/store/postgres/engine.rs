//! The writer's connection to PostgreSQL, which is made again when it is lost.

use tokio::time::Instant;

use super::{
    failure::PostgresError,
    reader::Connector,
    session::{Session, TRANSACTION},
};
use crate::{
    params,
    store::{
        engine::{Begun, Dialect, Engine, Failure, Next, Savepoint, Standing, Statements},
        migrate::newest,
        row::Row,
        schema::{KIT, Migration},
        value::{Mismatch, Value},
    },
};

/// At most this many jobs share a commit. Each is a subtransaction, of which PostgreSQL keeps 64 at hand.
const GROUP: usize = 64;

/// Only one group of writes runs at a time, whichever process it is in.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), 1)";

/// What has happened before: how far the log goes, what time it is, and whether the schema is still the one we know.
const BEGUN: &str = "SELECT coalesce((SELECT max(position) FROM event), 0),
    CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT),
    coalesce((SELECT max(version) FROM migration WHERE owner = 'kit'), 0),
    coalesce((SELECT max(version) FROM migration WHERE owner = ?1), 0)";

/// A database as the one writer of a process has it.
pub(super) struct Writer {
    connector: Connector,
    session: Option<Session>,
    name: &'static str,
    migrations: &'static [Migration],
}

impl Writer {
    pub(super) fn new(
        connector: Connector,
        session: Session,
        name: &'static str,
        migrations: &'static [Migration],
    ) -> Self {
        Self { connector, session: Some(session), name, migrations }
    }

    /// The connection as it is, or a new one.
    fn session(&mut self, until: Instant) -> Result<&Session, PostgresError> {
        let kept = self.session.take().filter(|session| !session.is_lost());
        Ok(self.session.insert(kept.map_or_else(|| self.connector.open(until), Ok)?))
    }

    fn try_begin(&mut self, until: Instant) -> Result<Begun, Failure> {
        let known = [("kit", newest(KIT)), (self.name, newest(self.migrations))];
        let name = self.name;
        let session = self.session(until)?;
        session.begin("BEGIN", until)?;
        session.send(LOCK, &[])?;
        let (mut begun, mut found) = (Begun { position: None, now: None }, [0, 0]);
        session.query(BEGUN, params![name], &mut |row| {
            begun = Begun { position: Some(row.get(0)?), now: Some(row.get(1)?) };
            found = [row.get(2)?, row.get(3)?];
            Ok(Next::Enough)
        })?;
        for ((owner, known), found) in known.into_iter().zip(found) {
            if found != known {
                return Err(PostgresError::Outdated { owner, found, known }.into());
            }
        }
        Ok(begun)
    }
}

impl Engine for Writer {
    fn group(&self) -> usize {
        GROUP
    }

    fn begin(&mut self) -> Result<Begun, Failure> {
        let until = Instant::now() + TRANSACTION;
        let had_one = self.session.as_ref().is_some_and(|session| !session.is_lost());
        match self.try_begin(until) {
            // It was lost while nothing was done with it, as when the server was started again: nothing is lost by another try.
            Err(_) if had_one && self.session.as_ref().is_some_and(Session::is_lost) => self.try_begin(until),
            begun => begun,
        }
    }

    fn statements(&self) -> &dyn Statements {
        match &self.session {
            Some(session) => session,
            None => &Nobody,
        }
    }

    fn standing(&self) -> Standing {
        match &self.session {
            Some(session) if session.is_lost() => Standing::Gone,
            Some(session) if session.is_spoilt() => Standing::Spoilt,
            Some(_) => Standing::Sound,
            None => Standing::Gone,
        }
    }

    fn commit(&mut self, _: usize) -> Result<(), Failure> {
        let statements = self.statements();
        statements.send("COMMIT", &[])?;
        match &self.session {
            Some(session) => Ok(session.settle()?),
            None => Err(PostgresError::Away.into()),
        }
    }

    fn round_trips(&self) -> u64 {
        self.session.as_ref().map_or(0, Session::round_trips)
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        match self.session.take() {
            Some(session) if !session.is_lost() => {
                let _ = session.settle();
                session.raw("ROLLBACK")?;
                self.session = Some(session);
                Ok(())
            }
            // With the connection its transaction is gone.
            Some(_) | None => Ok(()),
        }
    }

    fn close(self: Box<Self>) {}
}

/// Stands where there is no connection.
struct Nobody;

impl Statements for Nobody {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(
        &self,
        _: &str,
        _: &[Value<'_>],
        _: &mut dyn FnMut(&Row<'_>) -> Result<Next, Mismatch>,
    ) -> Result<(), Failure> {
        Err(PostgresError::Away.into())
    }

    fn execute(&self, _: &str, _: &[Value<'_>]) -> Result<usize, Failure> {
        Err(PostgresError::Away.into())
    }

    fn send(&self, _: &str, _: &[Value<'_>]) -> Result<(), Failure> {
        Err(PostgresError::Away.into())
    }

    fn insert(&self, _: &str, _: &[Value<'_>]) -> Result<i64, Failure> {
        Err(PostgresError::Away.into())
    }

    fn savepoint(&self, _: Savepoint) -> Result<(), Failure> {
        Err(PostgresError::Away.into())
    }

    fn script(&self, _: &str) -> Result<(), Failure> {
        Err(PostgresError::Away.into())
    }
}
