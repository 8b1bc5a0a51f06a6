//! Speed and memory of the real program, against the figures that it must reach.
//!
//! `cargo bench --bench load -- fanout|durable|idle|latency|events|webhook|drain|all`, and what several processes of each part do
//! over PostgreSQL and Redis: `replicas|redis|resume|unwanted|postgres|costs`. The servers are processes of their own, and so is
//! the bare broadcast (`reference`) that fan-out is compared with; this process only makes the load. All share one machine.
//!
//! `capacity` measures nothing: it works out of what was measured how many processes it takes for so many sockets, and what is full
//! first (config/deploy/capacity.md).
#![expect(clippy::panic, reason = "a benchmark that cannot measure must stop")]

mod audience;
mod capacity;
mod costs;
mod disk;
mod drain;
mod durable;
mod events;
mod fanout;
mod flood;
mod idle;
mod latency;
mod metrics;
mod on_postgres;
mod parts;
#[path = "../e2e/stage/process.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod process;
mod reference;
mod replicas;
mod report;
mod resume;
mod scene;
mod server;
mod socket;
#[path = "../stand_ins"]
mod stand_ins {
    pub(crate) mod postgres;
    pub(crate) mod redis;
}
#[path = "../stand_ins/telegram.rs"]
mod telegram;
mod through_redis;
mod traffic;
mod unwanted;
mod usage;
mod webhook;

use report::Report;

const ALL: [&str; 12] = [
    "fanout", "durable", "idle", "latency", "events", "webhook", "drain", "replicas", "redis", "resume",
    "unwanted", "postgres",
];

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((_, options)) = arguments.split_first().filter(|(what, _)| *what == "capacity") {
        match capacity::answer(options) {
            Ok(tables) => return print!("{tables}"),
            Err(why) => panic!("{why}"),
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["reference", address] => runtime.block_on(reference::serve(address)),
        [] | ["all"] => runtime.block_on(measure(&ALL)),
        ref chosen => runtime.block_on(measure(chosen)),
    }
}

async fn measure(chosen: &[&str]) {
    let mut report = Report::default();
    for what in chosen {
        eprintln!("{what} …");
        match *what {
            "fanout" => fanout::measure(&mut report).await,
            "durable" => durable::measure(&mut report).await,
            "idle" => idle::measure(&mut report).await,
            "latency" => latency::measure(&mut report).await,
            "events" => events::measure(&mut report).await,
            "webhook" => webhook::measure(&mut report).await,
            "drain" => drain::measure(&mut report).await,
            "replicas" => replicas::measure(&mut report).await,
            "redis" => through_redis::measure(&mut report).await,
            "resume" => resume::measure(&mut report).await,
            "unwanted" => unwanted::measure(&mut report).await,
            "costs" => costs::measure(&mut report).await,
            "postgres" => on_postgres::measure(&mut report).await,
            _ => panic!("{what} is not one of {}, all", ALL.join(", ")),
        }
    }
    println!("{report}");
    if report.has_missed() {
        std::process::exit(1);
    }
}
