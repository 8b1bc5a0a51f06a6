//! What the system says that processes use.

use std::fs;

/// Clock ticks per second in /proc, which Linux fixes for programs.
const TICKS: f64 = 100.0;

/// Seconds of processor time that a process has used so far, in user and in system mode.
pub(crate) fn cpu(process: u32) -> f64 {
    ticks(process, &[11, 12])
}

/// The same of a process and all that it started, also of those that have ended.
pub(crate) fn cpu_of_family(process: u32) -> f64 {
    children(process).into_iter().map(cpu).sum::<f64>() + ticks(process, &[11, 12, 13, 14])
}

/// Seconds of processor time by the scheduler's own clock, which is finer: for what costs next to nothing. Threads that have ended
/// do not count.
pub(crate) fn scheduled(process: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// Resident memory in KiB.
pub(crate) fn resident(process: u32) -> f64 {
    let status = read(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_else(|_| panic!("no VmRSS in {status}"))
}

/// Resident memory in KiB that a process and all that it started have for themselves, and their share of what they have together.
pub(crate) fn resident_of_family(process: u32) -> f64 {
    let one = |process| {
        let rollup = read(process, "smaps_rollup");
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default()
    };
    children(process).into_iter().chain([process]).map(one).sum()
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The sum of fields of `stat`, counted from the one after the name.
fn ticks(process: u32, fields: &[usize]) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, which may hold anything, ends with the last parenthesis.
    let found: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let field = |at: &usize| found.get(*at).and_then(|ticks| ticks.parse::<f64>().ok());
    fields.iter().filter_map(field).sum::<f64>() / TICKS
}

fn read(process: u32, file: &str) -> String {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
