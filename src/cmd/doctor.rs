//! `causeway doctor`: looks for what is wrong with an installation, and says the way out.

mod look;
mod redis;
mod services;
mod store;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::Global,
    client::ClientArgs,
    output::{ForPeople, printable},
};

/// Checks configuration, data directory, addresses, services, PostgreSQL, Redis, clock and limits of this machine.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 when nothing is wrong, 1 when something is.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    client: ClientArgs,
}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    subject: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<String>,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Well,
    /// Neither well nor wrong: nothing is running, or something is unusual.
    Note,
    Wrong,
}

impl Finding {
    fn well(subject: &'static str, found: impl Into<String>) -> Self {
        Self { subject, state: State::Well, found: found.into(), way_out: None }
    }

    fn note(subject: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { subject, state: State::Note, found: found.into(), way_out: Some(way_out.into()) }
    }

    fn wrong(subject: &'static str, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { subject, state: State::Wrong, found: found.into(), way_out: Some(way_out.into()) }
    }
}

impl ForPeople for Vec<Finding> {
    fn for_people(&self) -> String {
        let width = self.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
        let line = |finding: &Finding| {
            let mark = match finding.state {
                State::Well => '✓',
                State::Note => '–',
                State::Wrong => '✗',
            };
            let way_out = finding.way_out.as_ref().map(|way| format!(": {way}")).unwrap_or_default();
            format!(
                "{mark} {:width$}  {}",
                finding.subject,
                printable(&format!("{}{way_out}", finding.found))
            )
        };
        self.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Doctor {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut findings = Vec::new();
        match self.client.load(global) {
            Ok(loaded) => {
                findings.push(look::configuration(&loaded));
                let settings = &loaded.settings;
                findings.extend(look::exposure(settings));
                findings.push(look::data_dir(&settings.data_dir));
                findings.push(look::credentials(&settings.data_dir));
                let (services, store, redis) = tokio::join!(
                    services::services(&loaded, &self.client),
                    store::store(&settings.store),
                    redis::redis(&settings.redis)
                );
                let is_running = services.iter().any(|finding| finding.state == State::Well);
                findings.extend(look::addresses(settings, is_running));
                findings.extend([services, store, redis].into_iter().flatten());
                findings.push(look::open_files(settings.bridge.max_connections));
                findings.push(look::clock(&settings.data_dir));
            }
            Err(error) => findings.extend(error.to_string().lines().map(|line| {
                Finding::wrong("configuration", line, "mend it, and see `causeway config show --reference`")
            })),
        }
        self.client.output.show(&findings)?;
        let wrong = findings.iter().filter(|finding| finding.state == State::Wrong).count();
        anyhow::ensure!(wrong == 0, "{wrong} of {} checks found something wrong", findings.len());
        Ok(())
    }
}

/// How far a clock is from ours, which it is before when the microseconds are positive.
fn apart(micros: i64) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of a clock that is years off may be rounded"
    )]
    let seconds = micros as f64 / 1e6;
    format!("{:.1} s {}", seconds.abs(), if micros > 0 { "ahead of" } else { "behind" })
}
