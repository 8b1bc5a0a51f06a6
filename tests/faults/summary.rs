//! How many runs ended well: the harness's last line, which `tests/run` adds up, and which a harness reads of those that it starts.

use std::{env, io};

/// Counts so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    passed: usize,
    failed: usize,
    left_out: Vec<String>,
}

impl Summary {
    /// A run ended.
    pub(crate) fn count(&mut self, is_good: bool) {
        if is_good {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// A row cannot be run here. That is a failure where CI is set.
    pub(crate) fn leave_out(&mut self, row: &str, why: &str) {
        self.left_out.push(format!("{row}: {why}"));
        self.failed += usize::from(env::var_os("CI").is_some_and(|ci| !ci.is_empty()));
    }

    /// Prints what another harness printed, and takes its last lines over.
    pub(crate) fn take(&mut self, row: &str, printed: io::Result<String>) {
        let printed = printed.unwrap_or_else(|error| format!("{row} could not be started: {error}"));
        let mut counted = None;
        for line in printed.lines() {
            if let Some(figures) = line.strip_prefix("faults: ") {
                counted = read(figures);
            } else if let Some(what) = line.strip_prefix("left out: ") {
                self.left_out.push(what.to_owned());
            } else {
                println!("{line}");
            }
        }
        // Whoever says nothing in the end did not get there.
        let (passed, failed) = counted.unwrap_or((0, 1));
        self.passed += passed;
        self.failed += failed;
    }

    /// Prints the counts; whether nothing failed.
    pub(crate) fn close(&self) -> bool {
        println!();
        for what in &self.left_out {
            println!("left out: {what}");
        }
        println!("faults: {} passed, {} failed", self.passed, self.failed);
        self.failed == 0
    }
}

/// `N passed, N failed`.
fn read(figures: &str) -> Option<(usize, usize)> {
    let (passed, failed) = figures.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}
