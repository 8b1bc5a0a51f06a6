//! `causeway migrate`: brings what the files of the data directory hold into the PostgreSQL that `[store]` names.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use causeway_kit::{
    bus::Bus,
    store::{Moved, Postgres, Progress, Schema, Storage, StoreOptions, transfer},
};
use causeway_proto::time::Clock;
use clap::Args;
use serde::Serialize;

use crate::{
    cli::Global,
    failure::Usage,
    output::{self, ForPeople, Output},
    storage, telemetry,
};

/// Between two lines that say how far it is.
const SAID: Duration = Duration::from_secs(1);

/// Brings the files of the data directory into PostgreSQL, and compares every row.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway migrate --data-dir causeway-data        with [store] url in the configuration
  CAUSEWAY_STORE__URL=postgres://… causeway migrate

Stop whatever runs on the data directory first. Each store is brought in one transaction, or not at all; the files stay as they
are. It can be repeated: what an earlier call brought is replaced, unless somebody has written to it since.")]
pub(crate) struct Migrate {
    #[command(flatten)]
    output: Output,
}

/// The tables of one store, as they were brought.
#[derive(Debug, Serialize)]
struct Brought {
    store: &'static str,
    tables: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    table: String,
    rows: u64,
    checksum: String,
}

impl Migrate {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let settings = global.load(Vec::new())?.settings;
        telemetry::start(&settings.log)?;
        let Some(server) = storage::server(&settings.store)? else {
            let way_out =
                "set store.url (or CAUSEWAY_STORE__URL) to postgres://USER:PASSWORD@HOST:PORT/DATABASE";
            return Err(Usage::error(format!("there is no PostgreSQL to bring the files to: {way_out}")));
        };
        let schemas = [causeway_chat::SCHEMA, causeway_notification::SCHEMA, causeway_presence::SCHEMA];
        let mut brought = Vec::new();
        for schema in schemas {
            let file = settings.data_dir.join(schema.name).with_extension("db");
            if !file.exists() {
                tracing::info!(store = schema.name, "nothing to bring: there is no {}", file.display());
                continue;
            }
            brought.push(bring(&file, &server, schema).await?);
        }
        if brought.is_empty() {
            anyhow::bail!("{} holds no store", settings.data_dir.display());
        }
        self.output.show(&brought)
    }
}

async fn bring(file: &Path, server: &Postgres, schema: Schema) -> anyhow::Result<Brought> {
    let options = StoreOptions {
        storage: Storage::Files(file.parent().unwrap_or(file).to_owned()),
        name: schema.name,
        migrations: schema.migrations,
        clock: Clock::default(),
        bus: Bus::default(),
        retain: Duration::MAX,
    };
    let tables = transfer(file, server, schema, options, progress(schema.name)).await?;
    let line = |Moved { table, rows, checksum }| Line { table, rows, checksum };
    Ok(Brought { store: schema.name, tables: tables.into_iter().map(line).collect() })
}

/// Says on standard error how far it is, now and then.
fn progress(store: &'static str) -> Progress {
    let mut said = Instant::now();
    Box::new(move |table, rows, all| {
        if said.elapsed() >= SAID {
            eprintln!("{store}: {rows} of {all} rows of {table}");
            said = Instant::now();
        }
    })
}

impl ForPeople for Vec<Brought> {
    fn for_people(&self) -> String {
        let lines = self.iter().flat_map(|brought| {
            brought.tables.iter().map(|line| {
                [brought.store.to_owned(), line.table.clone(), line.rows.to_string(), line.checksum.clone()]
            })
        });
        let rows: u64 = self.iter().flat_map(|brought| &brought.tables).map(|line| line.rows).sum();
        let table = output::table(["STORE", "TABLE", "ROWS", "CHECKSUM"], lines);
        format!("{table}\n{rows} rows are the same on both sides")
    }
}
