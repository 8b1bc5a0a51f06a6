//! What the suite says of a plugin.

use super::stage::Verdict;

/// All results, in the order of the checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each check.
    pub results: Vec<CheckResult>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// Of the check, in a word or two.
    pub name: &'static str,
    /// What the protocol asks, in a sentence.
    pub requirement: &'static str,
    /// Whether the plugin does it.
    pub outcome: CheckOutcome,
}

/// Whether a plugin does what the protocol asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It does.
    Passed,
    /// It does this instead.
    Failed(String),
    /// It could not be tried, for this reason.
    Skipped(String),
}

impl Report {
    /// Whether no check failed.
    pub fn is_good(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        self.results.iter().filter(|result| matches!(result.outcome, CheckOutcome::Failed(_)))
    }

    pub(super) fn add(&mut self, result: CheckResult, progress: &mut impl FnMut(&CheckResult)) {
        progress(&result);
        self.results.push(result);
    }
}

impl CheckResult {
    pub(super) fn of(name: &'static str, requirement: &'static str, outcome: Result<(), Verdict>) -> Self {
        let outcome = match outcome {
            Ok(()) => CheckOutcome::Passed,
            Err(Verdict::Failed(how)) => CheckOutcome::Failed(how),
            Err(Verdict::Skipped(why)) => CheckOutcome::Skipped(why),
        };
        Self { name, requirement, outcome }
    }
}
