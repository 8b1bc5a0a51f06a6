//! Reading the configuration again while the process runs, on SIGHUP or when `causeway reload` asks for it.
//!
//! Each part that can take new settings says which keys it takes and how it makes what it needs of them ([`Reloads::add`]). A
//! reload reads the same sources as the start did, has every part make its own, and only when all could, puts everything into
//! force: a mistake changes nothing. What changed beside those keys needs a restart, and is named.

mod control;
mod reads;

use std::sync::{Arc, Mutex, PoisonError};

use causeway_config::{Entry, Loaded, Provenance, Settings};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    control::{Control, Running, running},
    reads::Reader,
};

/// Reads the settings again, as the process was started.
pub(crate) type Again = Box<dyn Fn() -> anyhow::Result<Loaded> + Send + Sync>;

/// Puts into force what was made.
pub(crate) type Apply = Box<dyn FnOnce() + Send>;

/// Makes of new settings what a part needs. Fails where that cannot be.
type Prepare = Box<dyn Fn(&Settings) -> anyhow::Result<Apply> + Send + Sync>;

/// What came of a reload that succeeded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// Keys whose new values are in force. What stands in files of its own is read again in any case.
    pub(crate) changed: Vec<String>,
    /// Keys whose new values need a restart.
    pub(crate) restart: Vec<String>,
}

/// Everything of a process that takes new settings.
pub(crate) struct Reloads {
    again: Again,
    reader: Reader,
    parts: Vec<(&'static [&'static str], Prepare)>,
    in_force: Mutex<Provenance>,
}

impl Reloads {
    /// For a process that was started with the settings of `in_force`, of which `reader` reads a part.
    pub(crate) fn new(again: Again, reader: Reader, in_force: Provenance) -> Self {
        Self { again, reader, parts: Vec::new(), in_force: Mutex::new(in_force) }
    }

    /// A part takes these keys, and all below them.
    pub(crate) fn add(
        &mut self,
        keys: &'static [&'static str],
        prepare: impl Fn(&Settings) -> anyhow::Result<Apply> + Send + Sync + 'static,
    ) {
        self.parts.push((keys, Box::new(prepare)));
    }

    /// Reads the settings again and puts them into force. Fails with what is wrong; then all is as before.
    pub(crate) fn reload(&self) -> anyhow::Result<Reloaded> {
        // Held to the end: two reloads at once would mix.
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let Loaded { settings, provenance } = (self.again)()?;
        let prepared: Vec<Apply> =
            self.parts.iter().map(|(_, prepare)| prepare(&settings)).collect::<anyhow::Result<_>>()?;
        prepared.into_iter().for_each(|apply| apply());

        let concerned = in_force.changed(&provenance).into_iter().filter(|key| self.reader.reads(key));
        let (changed, restart) = concerned.partition(|key| self.takes(key));
        self.note(&mut in_force, provenance);
        Ok(Reloaded { changed, restart })
    }

    /// What needs a restart stays as it was, so that the next reload names it again.
    fn note(&self, in_force: &mut Provenance, new: Provenance) {
        let taken = new.entries.into_iter().filter(|entry| self.takes(&entry.key));
        let kept = std::mem::take(&mut in_force.entries).into_iter().filter(|entry| !self.takes(&entry.key));
        let mut entries: Vec<Entry> = kept.chain(taken).collect();
        entries.sort_by(|left, right| left.key.cmp(&right.key));
        in_force.entries = entries;
    }

    fn takes(&self, key: &str) -> bool {
        self.parts.iter().flat_map(|(keys, _)| keys.iter()).any(|taken| is_within(key, taken))
    }
}

/// Whether a key is this one or below it.
fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Reloads at each SIGHUP, until `stop`.
pub(crate) async fn on_hangup(mut hangup: Signal, reloads: Arc<Reloads>, stop: CancellationToken) {
    while stop.run_until_cancelled(hangup.recv()).await.flatten().is_some() {
        let _ = carry_out(&reloads).await;
    }
}

/// Reloads, and notes in the log what came of it.
async fn carry_out(reloads: &Arc<Reloads>) -> anyhow::Result<Reloaded> {
    let reloads = Arc::clone(reloads);
    // Files are read.
    let reloaded = tokio::task::spawn_blocking(move || reloads.reload()).await?;
    match &reloaded {
        Ok(Reloaded { changed, restart }) => {
            tracing::info!(changed = changed.join(", "), needs_restart = restart.join(", "), "reloaded");
        }
        Err(error) => tracing::error!(error = format!("{error:#}"), "not reloaded; all is as before"),
    }
    reloaded
}

#[cfg(test)]
mod tests;
