//! Getting in: the server is waited for, the schema is made or brought up to date, and the first connections are opened.

use std::{thread, time::Duration};

use tokio::time::Instant;

use super::{
    dialect,
    engine::Writer,
    failure::PostgresError,
    reader::Connector,
    server::Postgres,
    session::{Session, schema},
};
use crate::store::{
    OpenError, StoreOptions,
    engine::{Next, Opened, Statements},
    migrate::Migrating,
};

/// Between two tries while the server is waited for, and between two lines that say so.
const PAUSE: Duration = Duration::from_millis(500);
const SAID: Duration = Duration::from_secs(5);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a store, and waits for its server as long as is set. Blocks.
pub(crate) fn open(server: &Postgres, options: &StoreOptions) -> Result<Opened, OpenError> {
    let (session, position) = wait_for(server, options)?;
    let connector = || Connector::new(server.clone(), options.name);
    Ok(Opened {
        engine: Box::new(Writer::new(connector(), session, options.name, options.migrations)),
        position,
        readers: Vec::new(),
        most_readers: server.readers,
        connect: Box::new(connector()),
    })
}

/// Connects and prepares; while nobody answers, or the connection is lost again, it is said why, and tried again.
fn wait_for(server: &Postgres, options: &StoreOptions) -> Result<(Session, i64), OpenError> {
    let begun = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let refusal = match Session::connect(server, options.name, Instant::now() + PATIENCE) {
            Ok(session) => match prepare(&session, server, options) {
                Ok(position) => return Ok((session, position)),
                Err(refusal) if session.is_lost() => refusal,
                Err(refusal) => return Err(refusal),
            },
            Err(error) => {
                let is_final = error.is_refusal();
                let refusal = unreachable(server, begun, error);
                if is_final {
                    return Err(refusal);
                }
                refusal
            }
        };
        if begun.elapsed() >= server.start_timeout {
            return Err(refusal);
        }
        if said.is_none_or(|at| at.elapsed() >= SAID) {
            let left = server.start_timeout.saturating_sub(begun.elapsed()).as_secs();
            tracing::warn!(store = options.name, error = %refusal, "waiting for {}, for {left} s at most", server.place);
            said = Some(Instant::now());
        }
        thread::sleep(PAUSE);
    }
}

fn unreachable(server: &Postgres, begun: Instant, error: PostgresError) -> OpenError {
    OpenError::Unreachable {
        place: server.place.clone(),
        key: "store.url",
        waited: begun.elapsed(),
        source: error.into(),
    }
}

/// Makes the schema or brings it up to date; the position of the last event.
fn prepare(session: &Session, server: &Postgres, options: &StoreOptions) -> Result<i64, OpenError> {
    let told = |error: PostgresError| OpenError::of(&server.place, error.into());
    session.raw("SET statement_timeout TO 0; SET lock_timeout TO 0").map_err(told)?;
    let schema = schema(options.name);
    // Two processes that start at once bring the schema up to date one after the other. There may be none yet.
    let lock = |verb: &str| format!("SELECT pg_advisory_{verb}(hashtext('{schema}'), 2)");
    session.raw(&lock("lock")).map_err(told)?;
    session.raw(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).map_err(told)?;
    session.raw(dialect::FUNCTIONS).map_err(told)?;
    Migrating { statements: session, place: &server.place, options }.run()?;
    session.raw(&lock("unlock")).map_err(told)?;
    session.restrict().map_err(told)?;
    warn_of_fsync(session, server);
    let mut position = 0;
    let newest = "SELECT coalesce(max(position), 0) FROM event";
    let read = session.query(newest, &[], &mut |row| {
        position = row.get(0)?;
        Ok(Next::Enough)
    });
    read.map_err(|failure| OpenError::of(&server.place, failure))?;
    Ok(position)
}

/// A server that does not wait for its disk makes no promise that we could pass on.
fn warn_of_fsync(session: &Session, server: &Postgres) {
    let mut is_off = false;
    let read = session.query("SELECT current_setting('fsync')", &[], &mut |row| {
        is_off = row.get::<String>(0)? == "off";
        Ok(Next::Enough)
    });
    if read.is_ok() && is_off {
        tracing::warn!("{} runs with fsync off: a power cut may lose what was acknowledged", server.place);
    }
}
