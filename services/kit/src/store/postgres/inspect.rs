//! A look at a server from outside, for whoever asks what is wrong with an installation. Nothing is changed and nothing is waited
//! for: start with [`Postgres::inspect`].

use std::{error::Error as StdError, io, time::Duration};

use causeway_proto::time::Clock;
use tokio::time::timeout;
use tokio_postgres::Client;

use super::{failure::PostgresError, server::Postgres, session::schema};
use crate::store::{
    migrate::newest,
    schema::{KIT, Schema},
};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server says of itself.
#[derive(Debug)]
pub struct Inspection {
    /// Its version, as it writes it: `15.9`.
    pub version: String,
    /// The number before the point.
    pub major: i32,
    /// Whether a commit is on the disk when it is answered.
    pub waits_for_disk: bool,
    /// By how much this machine's clock is behind its clock, in microseconds.
    pub clock_behind: i64,
    /// How many connections it takes, and how many there are.
    pub connections: (i32, i64),
    /// The tables of each store that was asked for.
    pub stores: Vec<Tables>,
}

/// The tables of a store.
#[derive(Debug)]
pub struct Tables {
    /// The store.
    pub name: &'static str,
    /// The schema that they are in.
    pub schema: String,
    /// How they stand.
    pub state: TablesState,
}

/// How the tables of a store stand.
#[derive(Debug, PartialEq, Eq)]
pub enum TablesState {
    /// There are none yet.
    Missing {
        /// Whether the role of the URL may make them.
        may_be_made: bool,
    },
    /// There are some, and the role of the URL may not write to them.
    Closed,
    /// They are there.
    Found {
        /// Version of the kit's tables: there, and as this build has it.
        kit: [u32; 2],
        /// Version of the service's.
        own: [u32; 2],
    },
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nobody takes the connection, or nobody answers in time.
    #[error("{0}")]
    Away(PostgresError),
    /// The server does not let this role in, or has no such database.
    #[error("{0}")]
    Refused(PostgresError),
    /// It cannot be written to: a standby, or a role or database that is set to read.
    #[error("it takes no writes")]
    ReadOnly,
}

impl Postgres {
    /// How it is called in errors: without the password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Connects as a store does, and looks at the server and at the tables of these stores.
    pub async fn inspect(&self, stores: &[Schema]) -> Result<Inspection, Unusable> {
        let looked = timeout(PATIENCE, async {
            let (client, connection) = self.connect("doctor").await?;
            let driver = tokio::spawn(connection);
            let found = look(&client, stores).await;
            drop(client);
            // Says goodbye; what becomes of that is no matter.
            let _ = driver.await;
            found
        });
        looked.await.unwrap_or(Err(PostgresError::Late)).map_err(|error| match error {
            error if is_read_only(&error) => Unusable::ReadOnly,
            error if error.is_refusal() => Unusable::Refused(error),
            error => Unusable::Away(error),
        })
    }
}

async fn look(client: &Client, stores: &[Schema]) -> Result<Inspection, PostgresError> {
    let clock = Clock::default();
    let asked = clock.now_micros();
    let row = client
        .query_one(
            "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000,
                 current_setting('fsync') = 'on', current_setting('max_connections')::int,
                 (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
                 has_database_privilege(current_database(), 'CREATE'),
                 CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
            &[],
        )
        .await?;
    let here = i64::midpoint(asked, clock.now_micros());
    let may_create = row.try_get(5)?;
    let mut tables = Vec::with_capacity(stores.len());
    for store in stores {
        let state = state(client, store, may_create).await?;
        tables.push(Tables { name: store.name, schema: schema(store.name), state });
    }
    Ok(Inspection {
        version: row.try_get(0)?,
        major: row.try_get(1)?,
        waits_for_disk: row.try_get(2)?,
        connections: (row.try_get(3)?, row.try_get(4)?),
        clock_behind: row.try_get::<_, i64>(6)?.saturating_sub(here),
        stores: tables,
    })
}

async fn state(client: &Client, store: &Schema, may_be_made: bool) -> Result<TablesState, PostgresError> {
    let schema = schema(store.name);
    let found = client
        .query_opt(
            "SELECT has_schema_privilege(place.oid, 'USAGE')
                 AND has_table_privilege(ledger.oid, 'SELECT') AND has_table_privilege(ledger.oid, 'INSERT')
             FROM pg_namespace AS place JOIN pg_class AS ledger ON ledger.relnamespace = place.oid
             WHERE place.nspname = $1 AND ledger.relname = 'migration'",
            &[&schema],
        )
        .await?;
    let Some(found) = found else { return Ok(TablesState::Missing { may_be_made }) };
    if !found.try_get::<_, bool>(0)? {
        return Ok(TablesState::Closed);
    }
    let asked = format!("SELECT owner, max(version) FROM {schema}.migration GROUP BY owner");
    let rows = client.query(&asked, &[]).await?;
    let version = |owner: &str| -> Result<u32, PostgresError> {
        for row in &rows {
            if row.try_get::<_, &str>(0)? == owner {
                return Ok(u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or(u32::MAX));
            }
        }
        Ok(0)
    };
    Ok(TablesState::Found {
        kit: [version("kit")?, newest(KIT)],
        own: [version(store.name)?, newest(store.migrations)],
    })
}

/// Connections are made to a server that can be written to, and otherwise fail with an error of the client's own.
fn is_read_only(error: &PostgresError) -> bool {
    let PostgresError::Server(error) = error else { return false };
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
}
