//! Brings what a file holds into PostgreSQL: all of it in one transaction, compared row by row, or nothing.
//!
//! It can be repeated: what an earlier transfer brought is replaced. What anybody has written there since is not, because it would
//! be lost: then the transfer is refused.

use std::{path::Path, pin::pin};

use futures_util::TryStreamExt;
use rusqlite::Connection;
use tokio::runtime::Builder;
use tokio_postgres::{Client, binary_copy::BinaryCopyInWriter, types::ToSql};

use super::{dialect, open, row::Cell, server::Postgres, session::schema};
use crate::store::{
    OpenError, Schema, StoreOptions,
    digest::Digest,
    row::Columns,
    sqlite::{self, Table},
    value::Value,
};

/// What was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// A checksum over all of them, equal on both sides.
    pub checksum: String,
}

/// Why nothing was brought.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The file or the database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The database does not take it.
    #[error("{place}: {source}")]
    Database {
        /// The database.
        place: String,
        /// What it says.
        source: super::PostgresError,
    },
    /// Somebody has written there.
    #[error(
        "{place} holds {rows} rows in {schema}.{table} that no transfer has brought, and they would be lost: name another database, \
         or drop the schema {schema} in this one"
    )]
    Foreign {
        /// The database.
        place: String,
        /// The schema.
        schema: String,
        /// The first table with such rows.
        table: String,
        /// How many it has.
        rows: u64,
    },
    /// What arrived is not what was sent.
    #[error("{table} has arrived as {arrived} and not as {sent}: nothing was kept")]
    Differs {
        /// The table.
        table: String,
        /// Rows and checksum of the file.
        sent: String,
        /// Rows and checksum in the database.
        arrived: String,
    },
    /// The thread that did it is gone.
    #[error("the transfer has panicked")]
    Panicked,
}

/// What is told while it goes on: a table, and how many of its rows are there.
pub type Progress = Box<dyn FnMut(&str, u64, u64) + Send>;

/// Rows between two looks at the progress.
const STEP: u64 = 10_000;

/// What an earlier transfer has left in each table.
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS transferred (
    name TEXT NOT NULL PRIMARY KEY, rows BIGINT NOT NULL, checksum TEXT NOT NULL)";

/// Brings the file of a store, of which `options` says the name and the schema. The file must not be in use.
pub async fn transfer(
    file: &Path,
    server: &Postgres,
    schema: Schema,
    options: StoreOptions,
    progress: Progress,
) -> Result<Vec<Moved>, TransferError> {
    let (file, server) = (file.to_owned(), server.clone());
    let work = move || {
        let (_lock, connection) = sqlite::lend(&file, &options)?;
        // Makes the schema, and closes again.
        drop(open(&server, &options)?);
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| database(&server)(error.into()))?;
        let file = file.display().to_string();
        let mut work = Transfer { file, connection, server: &server, schema, progress };
        runtime.block_on(work.run())
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| TransferError::Panicked)?
}

fn database(server: &Postgres) -> impl Fn(super::PostgresError) -> TransferError + Copy + '_ {
    |source| TransferError::Database { place: server.place.clone(), source }
}

struct Transfer<'t> {
    file: String,
    connection: Connection,
    server: &'t Postgres,
    schema: Schema,
    progress: Progress,
}

impl Transfer<'_> {
    async fn run(&mut self) -> Result<Vec<Moved>, TransferError> {
        let wrong = database(self.server);
        let tables = sqlite::tables(&self.connection).map_err(|source| self.unreadable(source))?;
        let tables: Vec<_> =
            tables.into_iter().filter(|table| !self.schema.derived.contains(&table.name.as_str())).collect();
        let (mut client, driver) =
            self.server.connect(self.schema.name).await.map_err(|error| wrong(error.into()))?;
        tokio::spawn(driver);
        let begin = format!(
            "SET search_path TO {0}; BEGIN; SELECT pg_advisory_xact_lock(hashtext('{0}'), 1); {LEDGER}",
            schema(self.schema.name)
        );
        client.batch_execute(&begin).await.map_err(|error| wrong(error.into()))?;
        self.require_untouched(&client, &tables).await?;
        let mut moved = Vec::new();
        for table in &tables {
            moved.push(self.bring(&mut client, table).await?);
        }
        let end = format!("{}; COMMIT", dialect::statement(self.schema.after_transfer));
        client.batch_execute(&end).await.map_err(|error| wrong(error.into()))?;
        Ok(moved)
    }

    /// Refuses a database in which somebody has written something since the last transfer.
    async fn require_untouched(&self, client: &Client, tables: &[Table]) -> Result<(), TransferError> {
        let wrong = database(self.server);
        for table in tables {
            let there = arrived(client, table).await.map_err(wrong)?;
            let sql = "SELECT rows, checksum FROM transferred WHERE name = $1";
            let known = client.query_opt(sql, &[&table.name]).await.map_err(|error| wrong(error.into()))?;
            let is_ours = known.is_some_and(|row| {
                row.get::<_, i64>(0).unsigned_abs() == there.rows() && row.get::<_, String>(1) == there.sum()
            });
            let is_made = self.schema.made.contains(&table.name.as_str());
            if there.rows() > 0 && !is_ours && !is_made {
                return Err(TransferError::Foreign {
                    place: self.server.place.clone(),
                    schema: schema(self.schema.name),
                    table: table.name.clone(),
                    rows: there.rows(),
                });
            }
        }
        Ok(())
    }

    /// Replaces a table, and compares.
    async fn bring(&mut self, client: &mut Client, table: &Table) -> Result<Moved, TransferError> {
        let wrong = database(self.server);
        let told = |error: tokio_postgres::Error| wrong(error.into());
        let name = dialect::name(&table.name);
        client.batch_execute(&format!("DELETE FROM {name}")).await.map_err(told)?;
        let sent = self.copy(client, table).await?;
        let there = arrived(client, table).await.map_err(wrong)?;
        if sent != there {
            let (sent, arrived) = (sent.to_string(), there.to_string());
            return Err(TransferError::Differs { table: table.name.clone(), sent, arrived });
        }
        if let Some(number) = &table.numbered {
            // The next number that the database gives comes after those that were brought.
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{name}', '{number}'), greatest(CAST($1 AS BIGINT), 1), CAST($1 AS BIGINT) > 0)",
            );
            client.execute(&sql, &[&table.last]).await.map_err(told)?;
        }
        let sql = "INSERT INTO transferred (name, rows, checksum) VALUES ($1, $2, $3)
                   ON CONFLICT (name) DO UPDATE SET rows = excluded.rows, checksum = excluded.checksum";
        let rows = i64::try_from(sent.rows()).unwrap_or(i64::MAX);
        client.execute(sql, &[&table.name, &rows, &sent.sum()]).await.map_err(told)?;
        Ok(Moved { table: table.name.clone(), rows: sent.rows(), checksum: sent.sum() })
    }

    /// Sends every row; what was sent.
    async fn copy(&mut self, client: &mut Client, table: &Table) -> Result<Digest, TransferError> {
        let wrong = database(self.server);
        let told = |error: tokio_postgres::Error| wrong(error.into());
        let (name, columns) = (dialect::name(&table.name), table.columns.join(", "));
        let shape = format!("SELECT {columns} FROM {name}");
        let shape = client.prepare(&shape).await.map_err(told)?;
        let types: Vec<_> = shape.columns().iter().map(|column| column.type_().clone()).collect();
        let sink = format!("COPY {name} ({columns}) FROM STDIN BINARY");
        let sink = client.copy_in(&sink).await.map_err(told)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        let mut sent = Digest::default();
        let unreadable = |source| TransferError::File { file: self.file.clone(), source };
        let select = format!("SELECT {columns} FROM {}", table.name);
        let mut statement = self.connection.prepare(&select).map_err(unreadable)?;
        let mut rows = statement.query([]).map_err(unreadable)?;
        while let Some(row) = rows.next().map_err(unreadable)? {
            let values: Vec<_> =
                (0..types.len()).map(|at| row.value(at).unwrap_or(Value::TooLarge)).collect();
            sent.add(&values);
            let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            writer.as_mut().write(&values).await.map_err(told)?;
            if sent.rows() % STEP == 0 {
                (self.progress)(&table.name, sent.rows(), table.rows);
            }
        }
        writer.finish().await.map_err(told)?;
        (self.progress)(&table.name, sent.rows(), table.rows);
        Ok(sent)
    }

    fn unreadable(&self, source: rusqlite::Error) -> TransferError {
        TransferError::File { file: self.file.clone(), source }
    }
}

/// What is in a table of the database.
async fn arrived(client: &Client, table: &Table) -> Result<Digest, super::PostgresError> {
    let sql = format!("SELECT {} FROM {}", table.columns.join(", "), dialect::name(&table.name));
    let none: [&(dyn ToSql + Sync); 0] = [];
    let mut rows = pin!(client.query_raw(&sql, none).await?);
    let mut digest = Digest::default();
    while let Some(row) = rows.try_next().await? {
        let cells = (0..row.len()).map(|at| row.try_get::<_, Cell<'_>>(at).map(|cell| cell.0));
        digest.add(&cells.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(digest)
}

#[cfg(test)]
mod tests;
