//! Bridges, services, bus and clients in one thread, in simulated time, over a simulated network that loses, delays and holds
//! what it carries, on machines that crash. One number, the seed, says all of it, and the same seed gives the same log:
//!
//! ```text
//! tests/simulation/run --seed 7 [--log FILE] [--control NAME]     one run; the log says what happened when
//! tests/simulation/run --seeds 200 [--from 1000]                  many, each in a process of its own
//! tests/simulation/run --short                                    some, each twice, and the controls
//! ```
//!
//! Real are the bridge with its sessions and dialects, chat, notification and presence, their gRPC stack, event streams and
//! clients with balancing and retries. Simulated are network, clocks and randomness, the bus (`hosts/bus`, in Redis' place) and
//! the database (the kit's `store::simulated`, in PostgreSQL's place). Start with `world`, which plays a `plan`; the ledger of
//! `tests/faults` decides.

use std::process::ExitCode;

mod client;
mod hosts;
mod journal;
mod judge;
mod ledger;
mod net;
mod options;
mod plan;
mod seeds;
#[path = "../faults/stage/tongue.rs"]
mod tongue;
mod world;

use options::{Options, Task};

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)) {
        Ok(Options { task: Task::Explain, .. }) => {
            println!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        Ok(Options { task: Task::One(run), log, wire }) => world::alone(run, log, wire),
        Ok(Options { task: Task::Many(many), .. }) => seeds::run(many),
        Err(wrong) => {
            eprintln!("error: {wrong}");
            ExitCode::from(2)
        }
    }
}
