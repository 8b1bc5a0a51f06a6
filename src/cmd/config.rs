//! `causeway config`: what is set, where it came from, and what is wrong with it.

use causeway_bridge::auth::Auth;
use causeway_config::{ConfigError, Entry, Loaded, Origin, Problem};
use causeway_proto::time::Clock;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::Global,
    failure::Usage,
    output::{self, ForPeople, Output},
    plugins, tls,
};

/// Settings: what is in force, and what is wrong.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    Show(Show),
    Check(Check),
}

/// Shows each setting and where it came from; secrets are masked.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Only what is not as by default
    #[arg(long)]
    changed: bool,
    /// Every key with its default and meaning, in place of what is set
    #[arg(long, conflicts_with_all = ["changed", "json"])]
    reference: bool,
    #[command(flatten)]
    output: Output,
}

/// Finds unknown keys and wrong values, all at once.
#[derive(Debug, Args)]
#[command(after_help = "Exit code 0 when all is well, 2 when not.")]
pub(crate) struct Check {
    #[command(flatten)]
    output: Output,
}

impl Config {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::Show(show) => show.run(global),
            Self::Check(check) => check.run(global),
        }
    }
}

impl Show {
    fn run(self, global: &Global) -> anyhow::Result<()> {
        if self.reference {
            return output::line(causeway_config::REFERENCE.trim_end());
        }
        let entries = global.load(Vec::new())?.provenance.entries;
        let shown = entries.into_iter().filter(|entry| !self.changed || entry.origin != Origin::Default);
        self.output.show(&shown.map(Setting::from).collect::<Vec<_>>())
    }
}

#[derive(Serialize)]
struct Setting {
    key: String,
    value: String,
    source: String,
}

impl From<Entry> for Setting {
    fn from(entry: Entry) -> Self {
        Self { key: entry.key, value: entry.value, source: entry.origin.to_string() }
    }
}

impl ForPeople for Vec<Setting> {
    fn for_people(&self) -> String {
        output::table(
            ["KEY", "VALUE", "SOURCE"],
            self.iter().map(|setting| [setting.key.clone(), setting.value.clone(), setting.source.clone()]),
        )
    }
}

impl Check {
    fn run(self, global: &Global) -> anyhow::Result<()> {
        match global
            .load(Vec::new())
            .and_then(with_keys)
            .and_then(with_mounts)
            .and_then(with_certificate)
            .and_then(with_plugins)
        {
            Ok(loaded) => self.well(&loaded),
            Err(error) => {
                if self.output.json {
                    output::line(&json!({"ok": false, "problems": problems(&error)}).to_string())?;
                }
                Err(error)
            }
        }
    }

    fn well(&self, loaded: &Loaded) -> anyhow::Result<()> {
        let file = loaded.provenance.file.as_ref().map(|file| file.display().to_string());
        if self.output.json {
            return output::line(&json!({"ok": true, "file": file, "problems": []}).to_string());
        }
        let changed =
            loaded.provenance.entries.iter().filter(|entry| entry.origin != Origin::Default).count();
        let file = file.unwrap_or_else(|| "no configuration file".to_owned());
        output::line(&format!("ok: {file}, {changed} settings differ from the defaults"))
    }
}

/// The keys that are configured must be readable, too.
fn with_keys(loaded: Loaded) -> anyhow::Result<Loaded> {
    let auth = &loaded.settings.auth;
    if !auth.keys.is_empty() {
        let unused = std::path::Path::new("");
        Auth::load(auth, unused, Clock::default()).map_err(|error| Usage::error(error.to_string()))?;
    }
    Ok(loaded)
}

/// Two mounts must not claim the same path.
fn with_mounts(loaded: Loaded) -> anyhow::Result<Loaded> {
    causeway_bridge::check_mounts(&loaded.settings.bridge)
        .map_err(|conflict| Usage::error(conflict.to_string()))?;
    Ok(loaded)
}

/// A certificate that is configured must be readable, too, and go with its key.
fn with_certificate(loaded: Loaded) -> anyhow::Result<Loaded> {
    tls::load(loaded.settings.bridge.tls.as_ref(), "bridge.tls", b"http/1.1")?;
    Ok(loaded)
}

/// What plugins are set to must be something that they can do.
fn with_plugins(loaded: Loaded) -> anyhow::Result<Loaded> {
    plugins::check(&loaded.settings.plugins)?;
    Ok(loaded)
}

/// The problems for programs; an error that is none of keys is one problem.
fn problems(error: &anyhow::Error) -> Vec<serde_json::Value> {
    let of_key = |problem: &Problem| {
        json!({
            "key": problem.key,
            "source": problem.origin.to_string(),
            "problem": problem.problem,
            "way_out": problem.allowed,
        })
    };
    match error.downcast_ref::<ConfigError>() {
        Some(ConfigError::Invalid(problems)) => problems.iter().map(of_key).collect(),
        _ => vec![json!({"problem": error.to_string()})],
    }
}
