//! `causeway reload`: running processes read their configuration again.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;

use crate::{
    cli::Global,
    output::{ForPeople, Output, printable},
    reload::{Reloaded, Running, running},
};

/// Has running processes read their configuration again, without dropping a socket.
///
/// In force at once: keys that tokens are verified with, origins, limits of connections and frames, log levels, certificates.
/// What else has changed needs a restart, and is named. A mistake is told and changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway reload                  every process on this data directory
  causeway reload bridge chat      only these

SIGHUP does the same, and the log says what came of it. Exit code 0 when all took the new configuration, 1 when one did not.")]
pub(crate) struct Reload {
    /// Which of them: up, bridge, chat, notification, presence, telegram, instagram or notices [default: all]
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// What a process answered.
#[derive(Debug, Serialize)]
struct Answered {
    part: String,
    pid: u32,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    reloaded: Option<Reloaded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Reload {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut answers = Vec::new();
        for process in self.processes(global).await? {
            answers.push(ask(process).await);
        }
        self.output.show(&answers)?;
        let refused = answers.iter().filter(|answered| answered.error.is_some()).count();
        anyhow::ensure!(refused == 0, "{refused} of {} processes go on as before", answers.len());
        Ok(())
    }

    /// Those that are meant. A configuration that cannot be read names no directory, but whoever runs on the usual one is to
    /// say so itself.
    async fn processes(&self, global: &Global) -> anyhow::Result<Vec<Running>> {
        let (data_dir, broken): (PathBuf, _) = match global.load(Vec::new()) {
            Ok(loaded) => (loaded.settings.data_dir, None),
            Err(error) => (global.usual_data_dir(), Some(error)),
        };
        let mut found = running(&data_dir).await?;
        found.retain(|process| self.parts.is_empty() || self.parts.contains(&process.name));
        match broken {
            Some(error) if found.is_empty() => bail!("{error:#}"),
            _ if found.is_empty() => {
                let which = if self.parts.is_empty() { "process" } else { "such process" };
                let place = printable(&data_dir.display().to_string());
                Err(anyhow!("no {which} runs on {place}: name another directory with --data-dir"))
            }
            _ => Ok(found),
        }
    }
}

async fn ask(process: Running) -> Answered {
    let (part, pid) = (process.name.clone(), process.pid);
    match process.reload().await {
        Ok(reloaded) => Answered { part, pid, reloaded: Some(reloaded), error: None },
        Err(error) => Answered { part, pid, reloaded: None, error: Some(format!("{error:#}")) },
    }
}

impl ForPeople for Vec<Answered> {
    fn for_people(&self) -> String {
        self.iter().map(Answered::line).collect::<Vec<_>>().join("\n")
    }
}

impl Answered {
    fn line(&self) -> String {
        let Self { part, pid, reloaded, error } = self;
        let mut line = match (reloaded, error) {
            (Some(_), _) => format!("{part} ({pid}): reloaded"),
            (None, error) => {
                let why = error.as_deref().unwrap_or_default().lines().map(printable);
                let why: Vec<String> = why.map(|line| format!("\n  {line}")).collect();
                format!("{part} ({pid}): goes on as before{}", why.concat())
            }
        };
        let Reloaded { changed, restart } = reloaded.clone().unwrap_or_default();
        if !changed.is_empty() {
            line.push_str(&format!(", changed: {}", changed.join(", ")));
        }
        restart.iter().for_each(|key| line.push_str(&format!("\n  {key} needs a restart")));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(reloaded: Option<Reloaded>, error: Option<&str>) -> String {
        Answered { part: "bridge".into(), pid: 7, reloaded, error: error.map(str::to_owned) }.line()
    }

    #[test]
    fn people_read_what_changed_and_what_did_not() {
        let reloaded =
            Reloaded { changed: vec!["bridge.origins".into()], restart: vec!["bridge.listen".into()] };
        let expected = "bridge (7): reloaded, changed: bridge.origins\n  bridge.listen needs a restart";
        assert_eq!(answered(Some(reloaded), None), expected);
        assert_eq!(answered(Some(Reloaded::default()), None), "bridge (7): reloaded");
        assert_eq!(answered(None, Some("a: b\nc: d")), "bridge (7): goes on as before\n  a: b\n  c: d");
    }
}
