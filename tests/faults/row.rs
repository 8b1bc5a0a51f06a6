//! A row of the matrix, and how rows are run.

use std::{panic::AssertUnwindSafe, pin::Pin, time::Instant};

use futures_util::FutureExt;

use crate::{
    options::{Length, Options, Runs},
    outcome::{Failure, Outcome},
    summary::Summary,
    trial::Trial,
};

/// A fault, and what must hold under it.
pub(crate) struct Row {
    /// Its number in the matrix.
    pub(crate) number: u8,
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What must hold.
    pub(crate) must_hold: &'static str,
    /// What is taken away in the control run.
    pub(crate) control: &'static str,
    /// Rounds of a short run.
    pub(crate) short: u32,
    /// Rounds of a long run.
    pub(crate) long: u32,
    /// Whether it measures what rows beside it would spoil: times, memory.
    pub(crate) is_alone: bool,
    /// The program.
    pub(crate) run: for<'t> fn(&'t mut Trial) -> Pin<Box<dyn Future<Output = Outcome> + 't>>,
}

/// Runs what was asked for, one after the other; whether everything held, and every control failed.
pub(crate) async fn run_all(options: &Options) -> bool {
    let mut summary = Summary::default();
    for row in &options.rows {
        for control in [false, true] {
            let skipped = if control { Runs::Row } else { Runs::Control };
            if options.runs == skipped {
                continue;
            }
            match row.run_once(options, control).await {
                Verdict::Passed => summary.count(true),
                Verdict::Failed => summary.count(false),
                Verdict::LeftOut(why) => {
                    summary.leave_out(row.name, &why);
                    break;
                }
            }
        }
    }
    summary.close()
}

enum Verdict {
    Passed,
    Failed,
    LeftOut(String),
}

impl Row {
    async fn run_once(&self, options: &Options, control: bool) -> Verdict {
        let long = options.length == Length::Long;
        // A control only has to fail once.
        let usual = if control || !long { self.short } else { self.long };
        let rounds = options.rounds.unwrap_or(usual);
        let seed = options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let Self { number, name, must_hold, control: weaker, .. } = self;
        let what = if control { format!("control, {weaker}") } else { (*must_hold).to_owned() };
        println!("\n== {number} {name}: {what} (--rounds {rounds} --seed {seed})");
        let started = Instant::now();
        let outcome = match Trial::new(rounds, seed, options.length, control) {
            // The others are run also when a row, or what it is played on, panics.
            Ok(mut trial) => AssertUnwindSafe((self.run)(&mut trial))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(Failure::Harness(anyhow::anyhow!("it panicked, as said above")))),
            Err(error) => Err(Failure::Harness(error)),
        };
        let took = started.elapsed().as_secs_f32();
        let name = if control { format!("{name} (control)") } else { (*name).to_owned() };
        let (verdict, line) = match outcome {
            Ok(tally) if control => (Verdict::Failed, format!("held, and must not: {tally}")),
            Ok(tally) => (Verdict::Passed, format!("held: {tally}")),
            Err(Failure::Broken(what)) if control => {
                (Verdict::Passed, format!("seen, as it must be: {what}"))
            }
            Err(Failure::Broken(what)) => (Verdict::Failed, format!("BROKEN: {what}")),
            Err(Failure::Harness(error)) => (Verdict::Failed, format!("the harness failed: {error:#}")),
            Err(Failure::LeftOut(why)) => (Verdict::LeftOut(why.clone()), format!("left out: {why}")),
        };
        println!("   {name}: {rounds} rounds in {took:.1} s: {line}");
        verdict
    }
}
