//! `causeway plugin check`: plays the host against a plugin in any language, and says what it does wrong.

use std::{net::SocketAddr, time::Duration};

use anyhow::bail;
use causeway_plugin_sdk::conformance::{self, CheckOutcome, CheckResult, Options, Target};
use clap::Args;

use crate::output;

/// Puts a plugin through the conformance suite: plays its host, and drops, repeats, reorders, delays and kills.
///
/// Given a command, the suite starts it with CAUSEWAY_PLUGIN_HOST and CAUSEWAY_PLUGIN_TOKEN in its environment, and kills and
/// restarts it. Given an address, it listens there and waits for the plugin, which its author starts with the printed token;
/// the checks that kill are left out then. Each line says what was tried; a failure says what the plugin did, and what the
/// protocol asks.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway plugin check -- python3 autoresponder.py
  causeway plugin check 127.0.0.1:9000        the plugin is started by hand, with CAUSEWAY_PLUGIN_HOST=http://127.0.0.1:9000

A plugin in front of a provider needs that provider, or a stand-in: name with --account and --customer whom it can send to.")]
pub(crate) struct Check {
    /// Address to listen on, for a plugin that its author starts
    #[arg(value_name = "ADDRESS", value_parser = crate::cmd::address, required_unless_present = "command", conflicts_with = "command")]
    address: Option<SocketAddr>,
    /// After --: the command that starts the plugin
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
    /// How long the plugin may take for each thing that it has to do
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// Credential that the plugin must show, at an address [default: one is made and printed]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Leave out the one check that takes half a minute
    #[arg(long)]
    quick: bool,
    /// Only this check, by its name; may be repeated
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,
    /// What is delivered, and what customers write to agents
    #[arg(long, default_value = "hello")]
    text: String,
    /// Provider account of deliveries [default: the first that the plugin reports]
    #[arg(long, default_value = "")]
    account: String,
    /// Provider's id of the customer of deliveries
    #[arg(long, default_value = "conformance")]
    customer: String,
    /// Show what the command prints
    #[arg(long)]
    show_output: bool,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    causeway_config::parse_duration(text).ok_or("write a duration such as 10s")
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let target = self.address.map_or(Target::Command(self.command), Target::Listen);
        let usual = Options::default();
        let options = Options {
            timeout: self.timeout,
            token: self.token.unwrap_or(usual.token),
            by_hand: usual.by_hand,
            quick: self.quick,
            only: self.only,
            text: self.text,
            account: self.account,
            customer: self.customer,
            show_output: self.show_output,
        };
        if let Target::Listen(address) = &target {
            let (token, wait) = (&options.token, options.by_hand.as_secs());
            output::line(&format!(
                "start the plugin within {wait} s:\n  CAUSEWAY_PLUGIN_HOST=http://{address} CAUSEWAY_PLUGIN_TOKEN={token}"
            ))?;
        }
        let mut broken = None;
        let report = conformance::check(target, options, |result| {
            if let Err(error) = output::line(&line(result)) {
                broken = Some(error);
            }
        });
        let report = report.await;
        if let Some(error) = broken {
            return Err(error);
        }
        let failed = report.failed().count();
        let passed = report.results.iter().filter(|result| result.outcome == CheckOutcome::Passed).count();
        output::line(&format!("{passed} passed, {failed} failed"))?;
        if report.is_good() { Ok(()) } else { bail!("the plugin does not keep to the protocol") }
    }
}

fn line(result: &CheckResult) -> String {
    let CheckResult { name, requirement, outcome } = result;
    match outcome {
        CheckOutcome::Passed => format!("passed   {name}"),
        CheckOutcome::Skipped(why) => format!("skipped  {name}: {}", output::printable(why)),
        CheckOutcome::Failed(how) => {
            format!("FAILED   {name}: {}\n         The protocol asks: {requirement}", output::printable(how))
        }
    }
}
