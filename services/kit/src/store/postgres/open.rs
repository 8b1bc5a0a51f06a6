//! Getting in: the server is waited for, the schema is made or brought up to date, and the first connections are opened.

use std::{thread, time::Duration};

use tokio::time::Instant;

use super::{
    dialect, engine::Writer, failure::PostgresError, reader::Connector, server::Postgres, session::Session,
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
    let session = wait_for(server, options.name)?;
    let position = prepare(&session, server, options)?;
    let connector = || Connector::new(server.clone(), options.name);
    Ok(Opened {
        engine: Box::new(Writer::new(connector(), session, options.name, options.migrations)),
        position,
        readers: Vec::new(),
        most_readers: server.readers,
        connect: Box::new(connector()),
    })
}

/// Connects; while nobody answers, it is said why, and tried again.
fn wait_for(server: &Postgres, name: &'static str) -> Result<Session, OpenError> {
    let begun = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let error = match Session::connect(server, name, Instant::now() + PATIENCE) {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        if error.is_refusal() || begun.elapsed() >= server.start_timeout {
            return Err(OpenError::Unreachable {
                place: server.place.clone(),
                key: "store.url",
                waited: begun.elapsed(),
                source: error.into(),
            });
        }
        if said.is_none_or(|at| at.elapsed() >= SAID) {
            let left = server.start_timeout.saturating_sub(begun.elapsed()).as_secs();
            tracing::warn!(store = name, %error, "waiting for {}, for {left} s at most", server.place);
            said = Some(Instant::now());
        }
        thread::sleep(PAUSE);
    }
}

/// Makes the schema or brings it up to date; the position of the last event.
fn prepare(session: &Session, server: &Postgres, options: &StoreOptions) -> Result<i64, OpenError> {
    let told = |error: PostgresError| OpenError::of(&server.place, error.into());
    session.raw("SET statement_timeout TO 0; SET lock_timeout TO 0").map_err(told)?;
    let schema = super::session::schema(options.name);
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
