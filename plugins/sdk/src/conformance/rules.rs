//! What a plugin must never do, watched through the whole run. No stream and no clock: rules are told what is said.

mod deliveries;
mod events;
mod fields;

use std::collections::{BTreeMap, BTreeSet};

use causeway_proto::plugin::{AccountReport, DeliveryReport, Hello, InboundEvent, PluginKind};
pub(super) use deliveries::Part;

use self::{deliveries::Deliveries, events::Events};
use super::report::{CheckOutcome, CheckResult};

/// Something that always holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    Credential,
    Hello,
    Quiet,
    EventCredit,
    Sequences,
    EventFields,
    Reports,
    OneReport,
    AccountFields,
}

/// A rule that was broken, and how.
pub(super) type Breach = (Rule, String);

const ALL: [Rule; 9] = [
    Rule::Credential,
    Rule::Hello,
    Rule::Quiet,
    Rule::EventCredit,
    Rule::Sequences,
    Rule::EventFields,
    Rule::Reports,
    Rule::OneReport,
    Rule::AccountFields,
];

/// What was seen of a plugin so far, and which rules it broke.
#[derive(Debug, Default)]
pub(super) struct Rules {
    seen: BTreeSet<Rule>,
    /// How each was broken first.
    broken: BTreeMap<Rule, String>,
    name: String,
    kind: PluginKind,
    instance: String,
    welcomed: bool,
    events: Events,
    deliveries: Deliveries,
}

impl Rules {
    /// A stream was opened with this header `authorization`.
    pub(super) fn stream(&mut self, authorization: Option<&str>, token: &str) {
        self.welcomed = false;
        let shown = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let breach = match shown {
            Some(shown) if shown == token => None,
            Some(_) => Some("it showed another credential than the one that it was given"),
            None => Some("it showed no header \"authorization: Bearer <token>\""),
        };
        self.note(Rule::Credential, breach.map(str::to_owned));
    }

    /// The first message of a stream.
    pub(super) fn hello(&mut self, hello: &Hello) {
        let breach = fields::hello(hello).or_else(|| {
            let is_other = !self.name.is_empty() && (self.name != hello.name || self.kind != hello.kind());
            is_other.then(|| "it attached with another name or kind than before".to_owned())
        });
        self.note(Rule::Hello, breach);
        if self.instance != hello.instance {
            (self.events, self.deliveries) = (Events::default(), Deliveries::default());
        }
        let holding = self.deliveries.holding(&hello.holding);
        self.note(Rule::Hello, holding);
        (self.name, self.kind, self.instance) = (hello.name.clone(), hello.kind(), hello.instance.clone());
    }

    /// The first message of a stream was this instead.
    pub(super) fn not_hello(&mut self, what: &str) {
        self.note(Rule::Hello, Some(format!("a stream began with {what}")));
    }

    /// The host welcomed the plugin.
    pub(super) fn welcome(&mut self, credit: u32, resume_after: u64) {
        self.welcomed = true;
        self.events.welcome(credit, resume_after);
        self.deliveries.welcome();
    }

    /// The host granted credit for more events.
    pub(super) fn grant(&mut self, amount: u32) {
        self.events.grant(amount);
    }

    /// The host settled an event, or wants it again later.
    pub(super) fn outcome(&mut self, sequence: u64, settles: bool) {
        self.events.outcome(sequence, settles);
    }

    /// The host handed over a delivery.
    pub(super) fn delivery(&mut self, part: Part, conversation: &str) {
        self.deliveries.given(part, conversation);
    }

    /// The plugin said Hello a second time.
    pub(super) fn second_hello(&mut self) {
        self.note(Rule::Hello, Some("it said Hello twice on a stream".to_owned()));
    }

    /// The plugin granted credit.
    pub(super) fn credit(&mut self, amount: u32) {
        self.note(Rule::Quiet, None);
        let breach = (amount == 0).then(|| "it granted a credit of 0".to_owned());
        if breach.is_some() {
            self.note(Rule::Reports, breach);
        }
    }

    /// The plugin sent an event.
    pub(super) fn event(&mut self, event: &InboundEvent) {
        self.loud("an event");
        let fields = fields::event(event, self.kind, |conversation| self.deliveries.knows(conversation));
        self.note(Rule::EventFields, fields);
        self.seen.extend([Rule::EventCredit, Rule::Sequences]);
        for (rule, how) in self.events.sent(event) {
            self.note(rule, Some(how));
        }
    }

    /// The plugin reported a delivery.
    pub(super) fn report(&mut self, report: &DeliveryReport) {
        self.loud("a report");
        self.seen.insert(Rule::OneReport);
        self.note(Rule::Reports, fields::report(report));
        if let Some((rule, how)) = self.deliveries.reported((report.delivery_id, report.part), report.state())
        {
            self.note(rule, Some(how));
        }
    }

    /// The plugin reported an account.
    pub(super) fn account(&mut self, report: &AccountReport) {
        self.loud("an account's state");
        self.note(Rule::AccountFields, fields::account(report));
    }

    /// What came of all rules.
    pub(super) fn results(&self) -> Vec<CheckResult> {
        ALL.into_iter().map(|rule| CheckResult { outcome: self.result(rule), ..rule.describe() }).collect()
    }

    fn result(&self, rule: Rule) -> CheckOutcome {
        match self.broken.get(&rule) {
            Some(how) => CheckOutcome::Failed(how.clone()),
            None if self.seen.contains(&rule) => CheckOutcome::Passed,
            None => CheckOutcome::Skipped("the plugin did nothing that this is about".to_owned()),
        }
    }

    /// Something that has to wait for Welcome was said.
    fn loud(&mut self, what: &str) {
        let breach = (!self.welcomed).then(|| format!("it sent {what} before Welcome"));
        self.note(Rule::Quiet, breach);
    }

    fn note(&mut self, rule: Rule, breach: Option<String>) {
        self.seen.insert(rule);
        if let Some(how) = breach {
            self.broken.entry(rule).or_insert(how);
        }
    }
}

impl Rule {
    fn describe(self) -> CheckResult {
        let (name, requirement) = match self {
            Self::Credential => (
                "credential",
                "Every stream is opened with the plugin's credential: `authorization: Bearer <token>`.",
            ),
            Self::Hello => (
                "hello",
                "Hello is the first message of a stream, comes once, and says name, kind, protocol 1, an instance and no other deliveries than were given.",
            ),
            Self::Quiet => ("quiet before Welcome", "Events, reports and account states wait for Welcome."),
            Self::EventCredit => ("event credit", "No more events are sent than the host has granted."),
            Self::Sequences => (
                "sequences",
                "Events are numbered from 1 and by one; on a new stream what was not settled comes again in order, with its number; on one stream nothing is repeated unasked.",
            ),
            Self::EventFields => {
                ("event fields", "Events keep to the limits of their fields, and are of the plugin's kind.")
            }
            Self::Reports => (
                "report fields",
                "Reports name a delivery and part that were given, say SENT, FAILED or UNCERTAIN, and why when not SENT.",
            ),
            Self::OneReport => (
                "one report",
                "Each delivery gets one report; it is repeated only on another stream, or when the delivery is.",
            ),
            Self::AccountFields => ("account fields", "Account states name an account and a state."),
        };
        CheckResult { name, requirement, outcome: CheckOutcome::Passed }
    }
}

#[cfg(test)]
mod tests;
