//! What can be asked of the simulation.

use std::path::PathBuf;

/// How to ask.
pub(crate) const HELP: &str = "\
tests/simulation/run --seed N [--brief] [--control NAME]         one run
                     --log FILE [--wire]                         its log; with the wire, also all that is sent
tests/simulation/run --seeds COUNT [--from N] [--brief] [--twice]  many, from this seed on
tests/simulation/run --short                                     some, each twice, and every control
controls, which must break the promise: lying-bus, no-since, no-keys";

/// What a run does without, so that the ledger must find the promise broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// The bus swallows events and renumbers what follows: nobody can see the gap.
    LyingBus,
    /// Clients come back without saying what they have seen.
    NoSince,
    /// What is sent again has a new `client_message_id`.
    NoKeys,
}

impl Control {
    pub(crate) const ALL: [Self; 3] = [Self::LyingBus, Self::NoSince, Self::NoKeys];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LyingBus => "lying-bus",
            Self::NoSince => "no-since",
            Self::NoKeys => "no-keys",
        }
    }

    fn read(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|control| control.name() == name);
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| format!("there is no control {name:?}: there are {names}"))
    }
}

/// A run, to the letter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    /// Whether troubles last ten seconds, and not half a minute.
    pub(crate) brief: bool,
    pub(crate) control: Option<Control>,
}

impl Run {
    /// What the command line says for it.
    pub(crate) fn arguments(self) -> Vec<String> {
        let mut arguments = vec!["--seed".to_owned(), self.seed.to_string()];
        arguments.extend(self.brief.then(|| "--brief".to_owned()));
        let control = self.control.map(|control| ["--control", control.name()].map(str::to_owned));
        arguments.extend(control.into_iter().flatten());
        arguments
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    Explain,
    One(Run),
    Many(Many),
}

/// Seeds that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Many {
    pub(crate) from: u64,
    pub(crate) count: u64,
    /// How often each is played.
    pub(crate) times: u32,
    pub(crate) brief: bool,
    /// Whether the controls are played after them.
    pub(crate) controls: bool,
}

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) task: Task,
    /// Where the log of a single run goes.
    pub(crate) log: Option<PathBuf>,
    /// Whether all that crosses the network is in it.
    pub(crate) wire: bool,
}

/// Seeds of a short run.
const SHORT: u64 = 3;

impl Options {
    /// Reads the command line. Fails with a sentence that says what is wrong and what would be right.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut seed, mut count, mut from, mut times) = (None, None, 1, 1);
        let (mut brief, mut controls) = (false, false);
        let (mut control, mut log, mut wire) = (None, None, false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants something after it"));
            match argument.as_str() {
                "--seed" => seed = Some(number("--seed", &value()?)?),
                "--seeds" => count = Some(number("--seeds", &value()?)?),
                "--from" => from = number("--from", &value()?)?,
                "--twice" => times = 2,
                "--wire" => wire = true,
                "--brief" => brief = true,
                "--short" => (count, times, brief, controls) = (Some(SHORT), 2, true, true),
                "--control" => control = Some(Control::read(&value()?)?),
                "--log" => log = Some(PathBuf::from(value()?)),
                other => return Err(format!("what is {other:?}?\n{HELP}")),
            }
        }
        let task = match (seed, count) {
            (Some(seed), None) => Task::One(Run { seed, brief, control }),
            (None, Some(count)) => Task::Many(Many { from, count, times, brief, controls }),
            (None, None) => Task::Explain,
            (Some(_), Some(_)) => return Err("either --seed or --seeds".into()),
        };
        Ok(Self { task, log, wire })
    }
}

fn number(flag: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{flag} wants a number, and not {value:?}"))
}
