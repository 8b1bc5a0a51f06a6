//! Many seeds, each in a process of its own, as many at a time as there are processors.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use crate::options::{Control, Many, Run};

/// How a run ends that breaks the promise.
pub(crate) const BROKEN: u8 = 3;
/// Seeds after which a control must have failed: what it takes away need not be needed in each.
const CONTROL_SEEDS: u64 = 3;

/// Plays seeds and prints a line for each; fails when one does, or when two runs of one differ.
pub(crate) fn run(many: Many) -> ExitCode {
    let Many { from, count, times, brief, controls } = many;
    let run = Run { seed: from, brief, control: None };
    let mut runs: Vec<Run> = (from..from + count).map(|seed| Run { seed, ..run }).collect();
    if controls {
        runs.extend(Control::ALL.map(|control| Run { control: Some(control), ..run }));
    }
    let (next, tally) = (AtomicUsize::new(0), Mutex::new((0, 0)));
    let begun = uptime();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(run) = runs.get(next.fetch_add(1, Relaxed)) {
                    let passed = match run.control {
                        None => keeps(*run, times),
                        Some(control) => breaks(*run, control),
                    };
                    let mut tally = tally.lock().expect("no poison");
                    if passed { tally.0 += 1 } else { tally.1 += 1 }
                }
            });
        }
    });
    let (passed, failed) = *tally.lock().expect("no poison");
    println!("simulation, {:.0} s: {passed} passed, {failed} failed", uptime() - begun);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a seed keeps the promise, the same way each time.
fn keeps(run: Run, times: u32) -> bool {
    let mut lines = Vec::new();
    for _ in 0..times {
        let (code, line) = play(run);
        if code != Some(0) {
            let again = run.arguments().join(" ");
            println!("{line}\n  again: tests/simulation/run {again} --log seed-{}.log", run.seed);
            return false;
        }
        lines.push(line);
    }
    let is_same = lines.windows(2).all(|two| two[0] == two[1]);
    match is_same {
        true => println!("{}{}", lines[0], if times > 1 { ", the same each time" } else { "" }),
        false => println!("seed {}: runs differ:\n  {}", run.seed, lines.join("\n  ")),
    }
    is_same
}

/// Whether the ledger finds what a control takes away, in one of a few seeds.
fn breaks(run: Run, control: Control) -> bool {
    for seed in run.seed..run.seed + CONTROL_SEEDS {
        let (code, line) = play(Run { seed, ..run });
        match code {
            Some(code) if code == i32::from(BROKEN) => {
                println!("control {}: {}", control.name(), line.lines().next().unwrap_or_default());
                return true;
            }
            Some(0) => {}
            _ => {
                println!("control {}: {line}", control.name());
                return false;
            }
        }
    }
    println!("control {}: nothing was found in {CONTROL_SEEDS} seeds", control.name());
    false
}

/// Plays a seed in a process of its own; its exit code, and what it said.
fn play(run: Run) -> (Option<i32>, String) {
    let program = std::env::current_exe().expect("this program");
    match Command::new(program).args(run.arguments()).output() {
        Ok(output) => {
            let mut line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if line.is_empty() {
                line = format!("seed {}: {}", run.seed, String::from_utf8_lossy(&output.stderr).trim());
            }
            (output.status.code(), line)
        }
        Err(error) => (None, format!("seed {}: {error}", run.seed)),
    }
}

/// Real seconds since the machine started: this program's own clocks are those of a simulation.
fn uptime() -> f64 {
    let text = fs::read_to_string(Path::new("/proc/uptime")).unwrap_or_default();
    text.split(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}
