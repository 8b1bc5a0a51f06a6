//! What can be asked of the harness.

use crate::{row::Row, rows};

/// What is run, and how.
#[derive(Default)]
pub(crate) struct Options {
    /// In the order of the matrix. With none, they are listed.
    pub(crate) rows: Vec<&'static Row>,
    /// How long, unless `rounds` says.
    pub(crate) length: Length,
    /// How often each row hurts Causeway.
    pub(crate) rounds: Option<u32>,
    /// What chance starts from; another one for each run when it is not given.
    pub(crate) seed: Option<u64>,
    /// Which runs of a row.
    pub(crate) runs: Runs,
    /// How many rows are run at once; one where it is not given.
    pub(crate) jobs: usize,
}

/// How much time there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Length {
    /// A few rounds, as beside the other tests.
    #[default]
    Short,
    /// As for a release.
    Long,
}

/// Which runs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Runs {
    /// The row, and then its control.
    #[default]
    Both,
    /// Only the control.
    Control,
    /// Only the row.
    Row,
}

impl Options {
    /// Reads the command line. Fails with a sentence that says what is wrong and what would be right.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => return Ok(Self::default()),
                "--short" => options.length = Length::Short,
                "--long" => options.length = Length::Long,
                "--control" => options.runs = Runs::Control,
                "--no-control" => options.runs = Runs::Row,
                // The rounds of the soak are minutes.
                flag @ ("--rounds" | "--minutes") => options.rounds = Some(number(flag, arguments.next())?),
                "--jobs" => options.jobs = number("--jobs", arguments.next())?,
                "--seed" => options.seed = Some(number("--seed", arguments.next())?),
                "all" => options.rows.extend(rows::ALL),
                name => options.rows.extend(rows::find(name)?),
            }
        }
        if options.rounds == Some(0) {
            return Err("--rounds is at least 1".into());
        }
        Ok(options)
    }
}

fn number<N: std::str::FromStr>(flag: &str, value: Option<String>) -> Result<N, String> {
    let value = value.ok_or_else(|| format!("{flag} wants a number after it"))?;
    value.parse().map_err(|_| format!("{flag} wants a number, and not {value:?}"))
}
