//! A process of Causeway that is not started yet.

use std::{ffi::OsString, path::Path, process::Command};

use super::strace::Strace;

/// What is started, and how.
#[derive(Clone)]
pub(crate) struct Part {
    /// What rows call it.
    pub(super) name: String,
    command: &'static str,
    words: Vec<String>,
    settings: Vec<(String, String)>,
    strace: Option<Strace>,
    before: Vec<OsString>,
}

impl Part {
    /// A subcommand of `causeway`: `up`, `bridge`, `chat`, `notification` or `presence`.
    pub(crate) fn new(name: &str, command: &'static str) -> Self {
        let (words, settings, before) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), command, words, settings, strace: None, before }
    }

    /// More words after the subcommand, as `telegram` after `plugin`.
    pub(crate) fn with(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// A setting of this process, as `bridge.listen`; stronger than those of all.
    pub(crate) fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// Has its system calls tampered with.
    pub(crate) fn under(mut self, strace: Strace) -> Self {
        self.strace = Some(strace);
        self
    }

    /// Is started by another program, as `["faketime", "-1h"]`, which must become the process.
    pub(crate) fn after<S: Into<OsString>>(mut self, program: impl IntoIterator<Item = S>) -> Self {
        self.before = program.into_iter().map(Into::into).collect();
        self
    }

    /// The command line: settings of all, then its own.
    pub(super) fn command(&self, all: &[(String, String)], home: &Path, data: &Path) -> Command {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(strace) = &self.strace {
            words.extend(strace.words(&home.join(format!("{}.strace", self.name))));
        }
        words.extend(self.before.iter().cloned());
        words.push(env!("CARGO_BIN_EXE_causeway").into());
        words.push(self.command.into());
        words.extend(self.words.iter().map(Into::into));
        words.extend(["--data-dir".into(), data.into()]);
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).current_dir(home);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
            command.env_remove(name);
        }
        for (key, value) in all.iter().chain(&self.settings) {
            command.env(format!("CAUSEWAY_{}", key.to_uppercase().replace('.', "__")), value);
        }
        command
    }
}
