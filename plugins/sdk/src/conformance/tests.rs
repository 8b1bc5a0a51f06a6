//! The suite, put through good plugins and bad ones.

mod flawed;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

use causeway_proto::{
    client::{Credential, remote},
    plugin::{AccountState, Answer, Capabilities, Delivery, PluginKind, delivery, inbound_event},
};
use flawed::{Flaw, Flawed};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Undelivered, event};

/// Where nobody listens yet.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn options() -> Options {
    Options { timeout: Duration::from_secs(3), quick: true, ..Options::default() }
}

/// The checks with another outcome than passed.
fn not_passed(report: &Report) -> Vec<(&'static str, CheckOutcome)> {
    let others = report.results.iter().filter(|result| result.outcome != CheckOutcome::Passed);
    others.map(|result| (result.name, result.outcome.clone())).collect()
}

/// Puts a plugin on the runtime through the suite.
async fn check_plugin(plugin: impl Plugin, options: Options) -> Report {
    let address = free_address();
    let host = remote(&format!("http://{address}"), Credential::bearer(&options.token).unwrap()).unwrap();
    let stop = CancellationToken::new();
    let mut runtime = Runtime::new(RuntimeOptions::default(), stop.clone());
    runtime.add(plugin, host);
    let running = tokio::spawn(runtime.run());
    let report = check(Target::Listen(address), options, |_| {}).await;
    running.abort();
    report
}

/// An agent that answers everything, and has an account.
struct Parrot;

impl Plugin for Parrot {
    fn profile(&self) -> Profile {
        Profile {
            name: "parrot".to_owned(),
            version: "1".to_owned(),
            kind: PluginKind::Agent,
            capabilities: Capabilities::default(),
        }
    }

    async fn run(self: std::sync::Arc<Self>, host: Host, _: CancellationToken) {
        host.account("parrot", AccountState::Connected, "").await;
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        let Some(delivery::Body::CustomerWrote(wrote)) = delivery.body else {
            return Err(Undelivered::permanent("unknown", "not what a customer wrote"));
        };
        let id = format!("answer/{}", wrote.message_id);
        let answer =
            Answer { conversation_id: wrote.conversation_id.clone(), text: wrote.text, ..Answer::default() };
        host.push(event("parrot", id, wrote.conversation_id, inbound_event::Body::Answer(answer))).await?;
        Ok(Sent::default())
    }
}

/// A channel whose provider takes everything, and from which nothing comes.
struct Sink;

impl Plugin for Sink {
    fn profile(&self) -> Profile {
        Profile { name: "sink".to_owned(), kind: PluginKind::Channel, ..Parrot.profile() }
    }

    async fn deliver(&self, _: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        Ok(Sent { message_id: delivery.id.to_string() })
    }
}

#[tokio::test]
async fn an_agent_on_the_sdk_passes() {
    let report = check_plugin(Parrot, options()).await;
    let not_started = CheckOutcome::Skipped("the plugin was not started by the suite".to_owned());
    let quick = CheckOutcome::Skipped("it takes half a minute".to_owned());
    assert_eq!(not_passed(&report), [("kill", not_started), ("accounts", quick)]);
    assert!(report.is_good());
}

#[tokio::test]
async fn a_channel_on_the_sdk_passes_what_can_be_tried() {
    let report = check_plugin(Sink, options()).await;
    assert!(report.is_good(), "{:?}", not_passed(&report));
    let tried: Vec<_> =
        report.results.iter().filter(|result| result.outcome == CheckOutcome::Passed).collect();
    assert!(tried.len() >= 15, "{:?}", not_passed(&report));
}

#[tokio::test]
async fn a_command_is_killed_and_comes_back() {
    // Beside the directory of the tests is that of the examples.
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    let program: PathBuf = program.join("examples").join("greeter");
    let only = ["kill", "delivery", "events after a cut"].map(str::to_owned).into();
    let target = Target::Command(vec![program.display().to_string()]);
    let report = check(target, Options { only, ..options() }, |_| {}).await;
    let results: Vec<_> = report.results.iter().filter(|result| result.name == "kill").collect();
    assert_eq!(results[0].outcome, CheckOutcome::Passed);
    assert!(report.is_good(), "{:?}", not_passed(&report));
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_said_to() {
    let target = Target::Command(vec!["/nowhere/plugin".to_owned()]);
    let report = check(target, options(), |_| {}).await;
    assert_eq!(report.results.len(), 1);
    assert!(
        matches!(&report.results[0].outcome, CheckOutcome::Failed(how) if how.contains("/nowhere/plugin"))
    );
}

#[tokio::test]
async fn a_plugin_that_never_attaches_is_not_waited_for_again_and_again() {
    let (timeout, by_hand) = (Duration::from_millis(200), Duration::from_millis(600));
    let options = Options { timeout, by_hand, ..options() };
    let report = check(Target::Listen(free_address()), options, |_| {}).await;
    let failed: Vec<_> = report.failed().map(|result| result.name).collect();
    assert_eq!(failed, ["attach"]);
}

/// Puts a hand-written plugin with a flaw through the checks that are named: those that fail.
async fn failures(flaw: Flaw, checks: &[&str]) -> Vec<&'static str> {
    let address = free_address();
    let only = checks.iter().map(|name| (*name).to_owned()).collect();
    let options = Options { only, timeout: Duration::from_millis(1_500), ..options() };
    let plugin = tokio::spawn(Flawed::new(flaw).run(address, options.token.clone()));
    let report = check(Target::Listen(address), options, |_| {}).await;
    plugin.abort();
    report.failed().map(|result| result.name).collect()
}

#[tokio::test]
async fn a_plugin_without_a_flaw_passes() {
    assert_eq!(failures(Flaw::None, &[]).await, [""; 0]);
}

#[tokio::test]
async fn a_plugin_that_shows_no_credential_fails() {
    assert_eq!(failures(Flaw::ShowsNoCredential, &["delivery"]).await, ["credential"]);
}

#[tokio::test]
async fn a_plugin_that_does_not_wait_for_welcome_fails() {
    assert_eq!(failures(Flaw::SpeaksBeforeWelcome, &["delivery"]).await, ["quiet before Welcome"]);
}

#[tokio::test]
async fn a_plugin_that_takes_no_deliveries_fails() {
    assert_eq!(failures(Flaw::GivesNoCredit, &["delivery credit"]).await, ["delivery credit"]);
}

#[tokio::test]
async fn a_plugin_whose_credit_runs_out_fails() {
    let failed = failures(Flaw::GivesCreditOnce, &["deliveries in order"]).await;
    assert_eq!(failed, ["deliveries in order"]);
}

#[tokio::test]
async fn a_plugin_that_does_not_report_fails() {
    assert_eq!(failures(Flaw::NeverReports, &["delivery"]).await, ["delivery"]);
}

#[tokio::test]
async fn a_plugin_that_reports_twice_fails() {
    assert_eq!(failures(Flaw::ReportsTwice, &["delivery"]).await, ["one report"]);
}

#[tokio::test]
async fn a_plugin_that_forgets_its_reports_fails() {
    let failed = failures(Flaw::ForgetsReports, &["repeated report"]).await;
    assert_eq!(failed, ["repeated report"]);
}

#[tokio::test]
async fn a_plugin_that_takes_a_repeated_delivery_for_known_fails() {
    let failed = failures(Flaw::IgnoresRepeatedDelivery, &["repeated delivery"]).await;
    assert_eq!(failed, ["repeated delivery"]);
}

#[tokio::test]
async fn a_plugin_that_overdraws_its_credit_fails() {
    let failed = failures(Flaw::OverdrawsCredit, &["events within credit"]).await;
    assert_eq!(failed, ["events within credit", "event credit"]);
}

#[tokio::test]
async fn a_plugin_that_leaves_out_numbers_fails() {
    assert_eq!(
        failures(Flaw::LeavesOutNumbers, &["outcomes out of order", "slow host"]).await,
        ["sequences"]
    );
}

#[tokio::test]
async fn a_plugin_that_forgets_its_events_fails() {
    let failed = failures(Flaw::ForgetsEvents, &["events after a cut"]).await;
    assert!(failed.contains(&"events after a cut"), "{failed:?}");
}

#[tokio::test]
async fn a_plugin_that_repeats_what_is_settled_fails() {
    let failed = failures(Flaw::RepeatsSettled, &["events after a cut"]).await;
    assert!(failed.contains(&"sequences"), "{failed:?}");
}

#[tokio::test]
async fn a_plugin_that_does_not_wait_before_it_tries_again_fails() {
    assert_eq!(failures(Flaw::RetriesAtOnce, &["RETRY_AFTER"]).await, ["RETRY_AFTER"]);
}

#[tokio::test]
async fn a_plugin_that_comes_back_too_soon_fails() {
    let failed = failures(Flaw::ComesBackTooSoon, &["attach after UNAVAILABLE"]).await;
    assert_eq!(failed, ["attach after UNAVAILABLE"]);
}

#[tokio::test]
async fn a_plugin_that_does_not_come_back_fails() {
    let failed = failures(Flaw::StaysAway, &["attach after a cut"]).await;
    assert_eq!(failed, ["attach after a cut"]);
}

#[tokio::test]
async fn a_plugin_that_calls_itself_another_instance_fails() {
    let failed = failures(Flaw::IsAnotherEachTime, &["attach after a cut"]).await;
    assert_eq!(failed, ["attach after a cut"]);
}

#[tokio::test]
async fn a_plugin_that_does_not_drain_fails() {
    assert_eq!(failures(Flaw::IgnoresDrain, &["drain"]).await, ["drain"]);
}

#[tokio::test]
async fn a_plugin_that_cannot_bear_the_unknown_fails() {
    let failed = failures(Flaw::EndsOverTheUnknown, &["unknown messages"]).await;
    assert_eq!(failed, ["unknown messages"]);
}
