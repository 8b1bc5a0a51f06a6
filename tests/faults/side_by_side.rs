//! Rows side by side, each in a process and so in a place of its own. Most of them wait more than they work.

use std::{
    collections::VecDeque,
    env, io,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::{
    options::{Length, Options, Runs},
    row::Row,
    summary::Summary,
};

/// Runs what was asked for, `jobs` at a time, and then those that want the machine for themselves. What a row prints stands
/// together, when it has ended.
pub(crate) fn run_all(options: &Options) -> bool {
    let (alone, shared): (Vec<_>, Vec<_>) = options.rows.iter().copied().partition(|row| row.is_alone);
    let summary = Mutex::new(Summary::default());
    for (rows, jobs) in [(shared, options.jobs), (alone, 1)] {
        let rows = Mutex::new(VecDeque::from(rows));
        let next = || rows.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    while let Some(row) = next() {
                        println!("-- {} {} begins", row.number, row.name);
                        let ended = run(row, options);
                        summary.lock().unwrap_or_else(PoisonError::into_inner).take(row.name, ended);
                    }
                });
            }
        });
    }
    summary.into_inner().unwrap_or_else(PoisonError::into_inner).close()
}

/// What a row printed on its standard output; what it says on its standard error goes where ours goes.
fn run(row: &Row, options: &Options) -> io::Result<String> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(row.name).arg(if options.length == Length::Long { "--long" } else { "--short" });
    if let Some(rounds) = options.rounds {
        command.args(["--rounds", &rounds.to_string()]);
    }
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    match options.runs {
        Runs::Both => {}
        Runs::Control => drop(command.arg("--control")),
        Runs::Row => drop(command.arg("--no-control")),
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
