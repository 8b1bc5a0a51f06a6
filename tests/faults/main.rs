//! The fault harness: each row of the matrix is a program that hurts the real Causeway and lets the ledger decide.
//!
//! `tests/faults/run --list` says what there is. A row is a file of `rows`; `ledger` is what clients wrote down and the checker of
//! it; `stage` starts, hurts and heals processes, disks and networks. Every row has a control run, in which something that the
//! promise rests on is taken away, and which must fail: it shows that the check sees.
#![expect(clippy::panic, reason = "a stage that falls down must stop the row")]

mod apart;
mod ledger;
mod options;
mod outcome;
mod row;
mod rows;
mod side_by_side;
mod stage;
mod summary;
mod trial;

// Also used end to end.
#[path = "../e2e/stage/http.rs"]
#[expect(dead_code, reason = "end to end, more of it is used")]
mod http;
#[path = "../e2e/stage/process.rs"]
#[expect(dead_code, reason = "end to end, more of it is used")]
mod process;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    if options.rows.is_empty() {
        rows::list();
        return ExitCode::SUCCESS;
    }
    if options.jobs > 1 && apart::can() {
        return if side_by_side::run_all(&options) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Err(error) = apart::step() {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if runtime.block_on(row::run_all(&options)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
