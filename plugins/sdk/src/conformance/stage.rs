//! The host that the checks play: one plugin, one stream at a time, good manners unless a check wants others.
//!
//! A check says what is to happen (`deliver`, `cut`, `drain`) and waits for what the plugin does about it (`report_of`, `event`,
//! `next_stream`). All that the plugin says passes by the rules, and is answered as a good host answers: events are
//! accepted, reports recorded and credit given back, unless the check holds these.

mod hand_over;
mod hear;
mod streams;

use std::{collections::BTreeSet, io, time::Duration};

use causeway_proto::plugin::{Delivery, DeliveryReport, Hello, InboundEvent, PluginKind, attach_response};
pub(super) use hear::Heard;
use tokio::time::Instant;

use super::{
    Options, Target,
    rules::{Part, Rules},
    server::Listening,
    target::Program,
};
use crate::played::Call;

/// Events that a plugin may have sent without an outcome, where a check does not say otherwise.
const CREDIT: u32 = 64;

/// How many times longer a command may take that has to start.
const STARTED: u32 = 3;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Failed(String),
    Skipped(String),
}

/// What came of a step of a check.
pub(super) type Step<T> = Result<T, Verdict>;

/// What is not answered as a good host would, for a check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Events get no outcome.
    pub(super) outcomes: bool,
    /// Reports are not recorded.
    pub(super) records: bool,
    /// Outcomes give no credit back.
    pub(super) credit: bool,
}

/// A host, and the plugin that is checked.
#[derive(Debug)]
pub(super) struct Stage {
    options: Options,
    listening: Listening,
    program: Option<Program>,
    rules: Rules,
    held: Held,
    stream: Option<Call>,
    /// How the plugin last said Hello; `None` before it did.
    hello: Option<Hello>,
    /// Deliveries that the plugin takes now.
    delivery_credit: u32,
    last_delivery: u64,
    /// Deliveries without a report, of this instance.
    open: Vec<Delivery>,
    /// Reports that no check has asked for.
    reports: Vec<DeliveryReport>,
    /// Events that no check has asked for.
    events: Vec<InboundEvent>,
    /// Events without an outcome.
    unsettled: Vec<InboundEvent>,
    /// Events of this instance that are settled.
    settled: BTreeSet<u64>,
    /// Credit that was not given back.
    owed_credit: u32,
    /// When each account's state was said, on this stream.
    accounts: Vec<(String, Instant)>,
    /// The first account that was reported.
    account: Option<String>,
    /// How often in a row the plugin did not attach.
    missed: u32,
    /// Whether the plugin was seen to push nothing.
    is_silent: bool,
}

impl Stage {
    /// Listens, and starts the command when it is one. Fails when either cannot be done.
    pub(super) async fn set(target: Target, options: Options) -> io::Result<Self> {
        let (listening, program) = match target {
            Target::Listen(address) => (Listening::on(address).await?, None),
            Target::Command(arguments) => {
                let listening = Listening::on(([127, 0, 0, 1], 0).into()).await?;
                let program = Program::start(arguments, listening.address, &options)?;
                (listening, Some(program))
            }
        };
        Ok(Self {
            options,
            listening,
            program,
            rules: Rules::default(),
            held: Held::default(),
            stream: None,
            hello: None,
            delivery_credit: 0,
            last_delivery: 0,
            open: Vec::new(),
            reports: Vec::new(),
            events: Vec::new(),
            unsettled: Vec::new(),
            settled: BTreeSet::new(),
            owed_credit: 0,
            accounts: Vec::new(),
            account: None,
            missed: 0,
            is_silent: false,
        })
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    /// How long the plugin may take for anything.
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout
    }

    /// How long the plugin may take to start and to attach.
    pub(super) fn starting(&self) -> Duration {
        match self.program {
            Some(_) => self.options.timeout * STARTED,
            None => self.options.by_hand,
        }
    }

    /// Whether the plugin attaches: it has said Hello, and did not stay away lately.
    pub(super) fn attaches(&self) -> bool {
        self.hello.is_some() && self.missed < 2
    }

    /// What the plugin is.
    pub(super) fn kind(&self) -> PluginKind {
        self.hello.as_ref().map(Hello::kind).unwrap_or_default()
    }

    /// The id of the running instance.
    pub(super) fn instance(&self) -> String {
        self.hello.as_ref().map(|hello| hello.instance.clone()).unwrap_or_default()
    }

    /// What the plugin last said that it holds.
    pub(super) fn holding(&self) -> &[u64] {
        self.hello.as_ref().map_or(&[], |hello| &hello.holding)
    }

    /// Does not answer as a good host would, until the check is over or [`Stage::behave`] is called.
    pub(super) fn hold(&mut self, held: Held) {
        self.held = held;
    }

    /// How many deliveries the plugin takes now.
    pub(super) fn delivery_credit(&self) -> u32 {
        self.delivery_credit
    }

    /// Whether a report came that no check has asked for.
    pub(super) fn has_report(&self, (id, part): Part) -> bool {
        self.reports.iter().any(|report| (report.delivery_id, report.part) == (id, part))
    }

    /// When each account's state was said on this stream.
    pub(super) fn accounts(&self) -> &[(String, Instant)] {
        &self.accounts
    }

    /// Is a good host again: settles, records and gives back what was held.
    pub(super) async fn behave(&mut self) {
        self.held = Held { records: self.held.records, ..Held::default() };
        for event in std::mem::take(&mut self.unsettled) {
            self.accept(event.sequence).await;
        }
        if std::mem::take(&mut self.held).records {
            for report in std::mem::take(&mut self.reports) {
                self.record((report.delivery_id, report.part)).await;
            }
        }
        let owed = std::mem::take(&mut self.owed_credit);
        self.grant(owed).await;
    }

    /// Leaves the plugin in order after a check; after one that `failed`, anew.
    pub(super) async fn tidy(&mut self, failed: bool) {
        self.behave().await;
        let until = Instant::now() + self.timeout();
        while !failed && !self.open.is_empty() && self.stream.is_some() && Instant::now() < until {
            self.hear(until).await;
        }
        self.events.clear();
        self.reports.clear();
        if failed || !self.open.is_empty() {
            self.start_over().await;
        }
    }

    /// Whatever the plugin does, what comes next is not disturbed by it.
    async fn start_over(&mut self) {
        self.cut();
        self.open.clear();
        self.unsettled.clear();
        if let Some(program) = &mut self.program
            && let Err(error) = program.restart().await
        {
            tracing::warn!(%error, "the command could not be started again");
        }
    }

    /// All events up to this one are settled.
    fn settled_through(&self) -> u64 {
        (1..).find(|sequence| !self.settled.contains(sequence)).unwrap_or(1) - 1
    }

    async fn say(&self, message: attach_response::Message) {
        if let Some(stream) = &self.stream {
            stream.send(message).await;
        }
    }

    /// Whether a part is still without a report.
    fn is_open(&self, part: Part) -> bool {
        self.open.iter().any(|delivery| (delivery.id, delivery.part) == part)
    }
}

/// A check that failed.
pub(super) fn failed<T>(how: impl Into<String>) -> Step<T> {
    Err(Verdict::Failed(how.into()))
}

/// A check that could not be tried.
pub(super) fn skipped<T>(why: impl Into<String>) -> Step<T> {
    Err(Verdict::Skipped(why.into()))
}
