//! What was measured beside what must be reached.

use std::fmt;

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

/// One figure.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) figure: String,
    /// The median of its rounds.
    pub(crate) value: f64,
    /// Unit of the value and of the target.
    pub(crate) unit: &'static str,
    /// What it must reach; `None` for what is only told.
    pub(crate) target: Option<Target>,
}

/// What a figure must reach.
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Report {
    /// Adds a figure, and says it at once for whoever waits.
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("  {row}");
        self.rows.push(row);
    }

    /// Whether any figure falls short of its target.
    pub(crate) fn has_missed(&self) -> bool {
        self.rows.iter().any(|row| row.reached() == Some(false))
    }
}

impl Row {
    fn reached(&self) -> Option<bool> {
        self.target.as_ref().map(|target| match target {
            Target::AtLeast(least) => self.value >= *least,
            Target::AtMost(most) => self.value <= *most,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<90} {:>12} {:>16} {:>7}", "figure", "measured", "target", "ratio")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, value, unit, target } = self;
        let name = format!("{figure}, {unit}");
        let (bound, ratio) = match target {
            Some(Target::AtLeast(least)) => (format!("≥ {}", number(*least)), value / least),
            Some(Target::AtMost(most)) => (format!("≤ {}", number(*most)), value / most),
            None => return write!(f, "{name:<90} {:>12}", number(*value)),
        };
        let ratio = if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() };
        let verdict = if self.reached() == Some(true) { "PASS" } else { "MISS" };
        write!(f, "{name:<90} {:>12} {bound:>16} {ratio:>7} {verdict}", number(*value))
    }
}

fn number(value: f64) -> String {
    if value.abs() >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
