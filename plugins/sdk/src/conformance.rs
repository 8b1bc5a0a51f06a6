//! Whether a plugin keeps to the protocol, in any language: the suite behind `causeway plugin check`.
//!
//! [`check`] plays the host for a plugin, on a gRPC server of its own: it hands over deliveries, holds outcomes back, repeats,
//! reorders, cuts the connection, refuses, drains and kills, and says of each check what the protocol asks and whether the
//! plugin did it. What a plugin must never do is watched all the while (`rules.rs`); the rest is tried one after the other
//! (`checks.rs`), on a stage (`stage.rs`) that knows how to be a host.
//!
//! To add a check: write an `async fn` of the `Stage` in the file of its subject under `checks/`, and name it in
//! `checks.rs` with the sentence of the protocol that it is about.

mod checks;
mod report;
mod rules;
mod server;
mod stage;
mod target;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use report::{CheckOutcome, CheckResult, Report};
use stage::Stage;
pub use target::Target;

/// How a plugin is checked.
#[derive(Clone)]
pub struct Options {
    /// How long the plugin may take for anything that it has to do: to attach, to answer a delivery. A started command is
    /// given three times as long at first.
    pub timeout: Duration,
    /// How long a person may take to start a plugin that the suite does not start.
    pub by_hand: Duration,
    /// The credential that the plugin must show. A command gets it as `CAUSEWAY_PLUGIN_TOKEN`.
    pub token: String,
    /// Leaves out the one check that takes half a minute.
    pub quick: bool,
    /// What is delivered, and what customers write to agents: something that the plugin answers.
    pub text: String,
    /// The provider account of deliveries; empty: the first that the plugin reports, or else "conformance".
    pub account: String,
    /// The provider's id of the customer of deliveries.
    pub customer: String,
    /// Only the checks of these names, beside the first and what is watched all the while; empty: all.
    pub only: Vec<String>,
    /// Whether what a command prints is shown.
    pub show_output: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            by_hand: Duration::from_secs(120),
            token: uuid::Uuid::new_v4().simple().to_string(),
            quick: false,
            text: "hello".to_owned(),
            account: String::new(),
            customer: "conformance".to_owned(),
            only: Vec::new(),
            show_output: false,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("quick", &self.quick)
            .finish_non_exhaustive()
    }
}

/// Puts a plugin through the suite, and tells `progress` of each check when it is done. Takes less than a minute with a plugin
/// that behaves. The report holds one failed result when the plugin could not be started or the address not be listened on.
pub async fn check(target: Target, options: Options, mut progress: impl FnMut(&CheckResult)) -> Report {
    let mut report = Report::default();
    let mut stage = match Stage::set(target, options).await {
        Ok(stage) => stage,
        Err(error) => {
            let outcome = CheckOutcome::Failed(error.to_string());
            report.add(
                CheckResult { name: "start", requirement: "The plugin can be started.", outcome },
                &mut progress,
            );
            return report;
        }
    };
    let wanted = stage.options().only.clone();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    for check in checks::ALL.into_iter().filter(|check| check.is_first() || is_wanted(check.name)) {
        let outcome = match stage.attaches() || check.is_first() {
            true => (check.run)(&mut stage).await,
            false => Err(stage::Verdict::Skipped("the plugin does not attach".to_owned())),
        };
        let failed = matches!(outcome, Err(stage::Verdict::Failed(_)));
        report.add(CheckResult::of(check.name, check.requirement, outcome), &mut progress);
        stage.tidy(failed).await;
    }
    for result in stage.rules().results() {
        report.add(result, &mut progress);
    }
    report
}
