//! What rows are played on: processes, sockets, disks and the network between them.
//!
//! Start with [`Deployment`] (processes) and [`Crowd`] (clients that write the ledger).

pub(crate) mod addresses;
pub(crate) mod backend;
pub(crate) mod bridges;
pub(crate) mod churn;
pub(crate) mod crowd;
pub(crate) mod database;
pub(crate) mod deployment;
pub(crate) mod disk;
pub(crate) mod fleet;
pub(crate) mod flood;
pub(crate) mod heavy;
pub(crate) mod member;
pub(crate) mod metrics;
pub(crate) mod packets;
pub(crate) mod part;
pub(crate) mod places;
#[path = "../stand_ins/postgres.rs"]
pub(crate) mod postgres;
pub(crate) mod probe;
pub(crate) mod proxy;
#[path = "../stand_ins/redis.rs"]
pub(crate) mod redis;
pub(crate) mod regulars;
pub(crate) mod relay;
pub(crate) mod replicas;
pub(crate) mod scene;
pub(crate) mod socket;
pub(crate) mod strace;
#[path = "../stand_ins/telegram.rs"]
pub(crate) mod telegram;
pub(crate) mod tongue;
pub(crate) mod wounds;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

pub(crate) use addresses::Addresses;
pub(crate) use crowd::{Crowd, CrowdPlan};
pub(crate) use deployment::Deployment;
pub(crate) use part::Part;
pub(crate) use scene::Scene;

/// Waits until something is so; fails when it has not come true in time.
pub(crate) async fn until(
    what: &str,
    within: Duration,
    mut is_so: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<Duration> {
    let started = Instant::now();
    while !is_so().await? {
        ensure!(started.elapsed() < within, "within {within:?} it did not come true that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(started.elapsed())
}

/// Runs a program of the system to its end, which must be a good one; what it printed.
pub(crate) fn system(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), complaint.trim());
    Ok(printed)
}

/// Whether a program of the system is there.
pub(crate) fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join(program).is_file())
}
