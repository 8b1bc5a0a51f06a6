//! System calls that fail, lie or kill: strace's fault injection. The process is its own parent's child, and strace looks on.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What is done to which system calls.
#[derive(Debug, Clone)]
pub(crate) struct Strace {
    calls: &'static str,
    effect: String,
    when: String,
    only: Vec<PathBuf>,
}

impl Strace {
    /// Calls, as `fsync,fdatasync`, fail with an error, as `EIO`.
    pub(crate) fn fail(calls: &'static str, error: &str) -> Self {
        Self::new(calls, format!("error={error}"))
    }

    /// Calls do nothing and say that they did.
    pub(crate) fn lie(calls: &'static str) -> Self {
        Self::new(calls, "retval=0".into())
    }

    /// The process is killed as it makes the call.
    pub(crate) fn kill(calls: &'static str) -> Self {
        Self::new(calls, "signal=KILL".into())
    }

    fn new(calls: &'static str, effect: String) -> Self {
        Self { calls, effect, when: "1+".into(), only: Vec::new() }
    }

    /// Only the call of that number, of each thread; every one from there on with a plus after it.
    pub(crate) fn when(mut self, when: impl ToString) -> Self {
        self.when = when.to_string();
        self
    }

    /// Only calls on these files.
    pub(crate) fn on(mut self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.only.extend(files);
        self
    }

    /// The words before a command line; what strace sees goes into `log`.
    pub(super) fn words(&self, log: &Path) -> Vec<OsString> {
        let Self { calls, effect, when, only } = self;
        let mut words: Vec<OsString> = ["strace", "-D", "-f", "-qq", "-ttt"].map(Into::into).into();
        // Only these calls stop the process, and it stays fast; but strace 6.1 then forgets to send signals.
        if !effect.starts_with("signal") {
            words.push("--seccomp-bpf".into());
        }
        words.extend(["-o".into(), log.into()]);
        words.extend(["-e".into(), format!("trace={calls}").into()]);
        words.extend(["-e".into(), format!("inject={calls}:{effect}:when={when}").into()]);
        for file in only {
            words.extend(["-P".into(), file.into()]);
        }
        words
    }
}
