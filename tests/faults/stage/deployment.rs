//! Processes of the real program on one data directory, which rows start, kill, pause and start again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Addresses, Part};
use crate::{http, process::Process};

/// The name of the only process where all parts run in one.
pub(crate) const UP: &str = "up";
/// How long a start may take: migrations of every store, in a debug build on a busy machine.
pub(crate) const STARTING: Duration = Duration::from_secs(40);
/// How much of what a process printed stands in an error, in bytes.
const TAIL: usize = 3_000;

/// Processes, running or not.
pub(crate) struct Deployment {
    /// Where one of each part listens.
    pub(crate) at: Addresses,
    home: PathBuf,
    data: PathBuf,
    settings: Vec<(String, String)>,
    plans: Vec<Part>,
    running: BTreeMap<String, Process>,
    past: BTreeMap<String, String>,
}

impl Deployment {
    /// No processes yet. They are started in `home`, which goes with them, and store in `data`.
    pub(crate) fn new(at: Addresses, home: &Path, data: &Path) -> Self {
        let mut settings = at.settings();
        settings.push(("bridge.rate.frames_per_second".into(), "0".into()));
        Self {
            at,
            home: home.to_owned(),
            data: data.to_owned(),
            settings,
            plans: Vec::new(),
            running: BTreeMap::new(),
            past: BTreeMap::new(),
        }
    }

    /// All parts in one process, [`UP`].
    pub(crate) fn single(home: &Path, data: &Path) -> Self {
        let mut deployment = Self::new(Addresses::of_one_process(), home, data);
        deployment.plan(Part::new(UP, UP));
        deployment
    }

    /// Four processes: `chat`, `notification`, `presence`, `bridge`.
    pub(crate) fn split(home: &Path, data: &Path) -> Self {
        let mut deployment = Self::new(Addresses::of_parts(), home, data);
        for part in ["chat", "notification", "presence", "bridge"] {
            deployment.plan(Part::new(part, part));
        }
        deployment
    }

    /// A setting of every process.
    pub(crate) fn set(&mut self, key: &str, value: impl ToString) {
        self.settings.push((key.to_owned(), value.to_string()));
    }

    /// Adds a process, or changes how the one of that name is started the next time.
    pub(crate) fn plan(&mut self, part: Part) {
        match self.plans.iter_mut().find(|plan| plan.name == part.name) {
            Some(plan) => *plan = part,
            None => self.plans.push(part),
        }
    }

    /// Where the next start finds and stores its data.
    pub(crate) fn store_in(&mut self, data: &Path) {
        self.data = data.to_owned();
    }

    /// Where it stores.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Starts a process, unless it runs.
    pub(crate) fn start(&mut self, name: &str) -> anyhow::Result<()> {
        if !self.running.contains_key(name) {
            let part = self.plans.iter().find(|part| part.name == name);
            let part = part.with_context(|| format!("there is no process {name}"))?;
            let command = part.command(&self.settings, &self.home, &self.data);
            self.running.insert(name.to_owned(), Process::start(command, &self.home));
        }
        Ok(())
    }

    /// Starts whatever does not run, and waits until the bridge is ready; how long that took.
    pub(crate) async fn up(&mut self) -> anyhow::Result<Duration> {
        let names: Vec<_> = self.plans.iter().map(|part| part.name.clone()).collect();
        names.iter().try_for_each(|name| self.start(name))?;
        self.ready(STARTING).await
    }

    /// Waits until the bridge is ready; how long that took. Fails when a process ends before.
    pub(crate) async fn ready(&mut self, within: Duration) -> anyhow::Result<Duration> {
        let started = Instant::now();
        while !self.is_ready().await {
            if let Some(name) = self.ended() {
                bail!("{name} ended instead of getting ready:\n{}", self.tail(&name));
            }
            ensure!(started.elapsed() < within, "not ready within {within:?}:\n{}", self.tails());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        Ok(started.elapsed())
    }

    /// Whether the bridge says that it can do its job.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer =
            tokio::time::timeout(Duration::from_secs(2), http::get(self.at.bridge, "/readyz", &[])).await;
        answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200))
    }

    /// A process that has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.running.iter_mut().find_map(|(name, process)| process.ended().map(|_| name.clone()))
    }

    /// Whether a process was started and has not ended.
    pub(crate) fn runs(&mut self, name: &str) -> bool {
        self.running.get_mut(name).is_some_and(|process| process.ended().is_none())
    }

    /// Kills a process (SIGKILL).
    pub(crate) fn kill(&mut self, name: &str) {
        if let Some(mut process) = self.running.remove(name) {
            process.kill();
            self.remember(name, &process);
        }
    }

    /// Kills all of them.
    pub(crate) fn kill_all(&mut self) {
        for name in self.running.keys().cloned().collect::<Vec<_>>() {
            self.kill(&name);
        }
    }

    /// The number of a process that runs.
    pub(crate) fn id(&self, name: &str) -> anyhow::Result<u32> {
        Ok(self.running.get(name).with_context(|| format!("{name} does not run"))?.id())
    }

    /// Sends a signal: `Signal::STOP` and `Signal::CONT` pause and resume, `Signal::TERM` asks for an end.
    pub(crate) fn signal(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        let process = self.running.get(name).with_context(|| format!("{name} does not run"))?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw).context("no process")?;
        kill_process(pid, signal).with_context(|| format!("{name} takes no signal"))
    }

    /// Waits until a process has ended by itself.
    pub(crate) async fn exit(&mut self, name: &str) -> anyhow::Result<ExitStatus> {
        let mut process = self.running.remove(name).with_context(|| format!("{name} does not run"))?;
        let status = process.exit().await;
        self.remember(name, &process);
        Ok(status)
    }

    /// Asks a process to stop (SIGTERM) and waits until it has.
    pub(crate) async fn stop(&mut self, name: &str) -> anyhow::Result<ExitStatus> {
        self.signal(name, Signal::TERM)?;
        self.exit(name).await
    }

    /// Everything that a process has printed, over all its lives.
    pub(crate) fn printed(&self, name: &str) -> String {
        let past = self.past.get(name).cloned().unwrap_or_default();
        past + &self.running.get(name).map(Process::printed).unwrap_or_default()
    }

    /// The end of that.
    pub(crate) fn tail(&self, name: &str) -> String {
        let printed = self.printed(name);
        printed[printed.ceil_char_boundary(printed.len().saturating_sub(TAIL))..].to_owned()
    }

    fn tails(&self) -> String {
        self.running.keys().map(|name| format!("--- {name}\n{}", self.tail(name))).collect()
    }

    fn remember(&mut self, name: &str, process: &Process) {
        self.past.entry(name.to_owned()).or_default().push_str(&process.printed());
    }
}
