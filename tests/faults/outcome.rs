//! How a run of a row ends.

use std::fmt;

use crate::{
    ledger::{Checked, Violations},
    stage::has,
};

/// Counts when everything held.
pub(crate) type Outcome = Result<Tally, Failure>;

/// Why a run did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What must hold did not: what a control run must end with.
    Broken(String),
    /// The harness could not do its own part, which says nothing about Causeway.
    Harness(anyhow::Error),
    /// This machine cannot do what the row needs.
    LeftOut(String),
}

/// Leaves the row out where a program of the system is not there.
pub(crate) fn needs(program: &str) -> Result<(), Failure> {
    if has(program) { Ok(()) } else { Err(Failure::LeftOut(format!("it needs {program}"))) }
}

impl Failure {
    /// The same, with what was done when it came.
    pub(crate) fn of(self, fault: &str) -> Self {
        match self {
            Self::Broken(what) => Self::Broken(format!("{fault}: {what}")),
            Self::Harness(error) => Self::Harness(error.context(fault.to_owned())),
            Self::LeftOut(_) => self,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Harness(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Harness(error.into())
    }
}

impl From<Violations> for Failure {
    fn from(violations: Violations) -> Self {
        Self::Broken(violations.to_string())
    }
}

/// Ends a run: what must hold did not.
macro_rules! broken {
    ($($sentence:tt)*) => {
        return Err($crate::outcome::Failure::Broken(format!($($sentence)*)))
    };
}

/// Ends a run unless something holds.
macro_rules! check {
    ($holds:expr, $($sentence:tt)*) => {
        if !$holds {
            $crate::outcome::broken!($($sentence)*);
        }
    };
}

pub(crate) use broken;
pub(crate) use check;

/// What a run counted: its last line.
#[derive(Debug, Default)]
pub(crate) struct Tally(Vec<(String, String)>);

impl Tally {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a figure.
    pub(crate) fn with(mut self, what: impl Into<String>, figure: impl ToString) -> Self {
        self.0.push((what.into(), figure.to_string()));
        self
    }

    /// Adds what the ledger's checker counted, to what it had counted before.
    pub(crate) fn checked(self, checked: &Checked) -> Self {
        self.more("clients", checked.clients)
            .more("attempted", checked.attempted)
            .more("acknowledged", checked.acknowledged)
            .more("stored", checked.stored)
            .more("received", checked.received)
            .more("lost", 0)
    }

    fn more(mut self, what: &str, more: usize) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == what) {
            Some((_, figure)) => {
                *figure = (figure.parse::<usize>().unwrap_or_default() + more).to_string();
                self
            }
            None => self.with(what, more),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, figure)) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{figure} {what}")?;
        }
        Ok(())
    }
}
