//! Row 18: hours of clients that write, read, come and go. What they leave behind is measured.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    options::Length,
    outcome::{Outcome, Tally, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Scene,
        churn::Churn,
        deployment::UP,
        metrics::{Holdings, Metrics},
        until,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 18,
    name: "soak",
    must_hold: "memory grows by less than 1 MiB an hour after the first tenth; descriptors and what is counted are back",
    control: "clients that leave do not close their sockets",
    short: 2,
    long: 120,
    is_alone: true,
    run: |trial| Box::pin(run(trial)),
};

/// By how much memory may grow in an hour, in KiB, once there was an hour.
const SLOPE: f64 = 1024.0;
/// By how much two looks at a process that does the same differ, in KiB: pages that the allocator keeps.
const NOISE: u64 = 12 << 10;
/// How long it may take until what clients held is given back. Who left counts as present for some seconds.
const BACK: Duration = Duration::from_secs(15);
/// Descriptors that come and go by themselves: a scrape, a store that opens one more connection to its file.
const COME_AND_GO: usize = 3;
/// What is counted and must be back where it was.
const GAUGES: [&str; 6] = [
    "causeway_tasks",
    "causeway_bridge_connections",
    "causeway_bridge_mailbox_waiting",
    "causeway_event_subscriptions",
    "causeway_presence_sessions",
    "causeway_presence_users_online",
];

async fn run(trial: &mut Trial) -> Outcome {
    let is_long = trial.length == Length::Long;
    let (data, ledger) = (trial.place("data")?, trial.ledger("ledger")?);
    let mut deployment = Deployment::single(trial.home(), &data);
    deployment.up().await?;
    let (scene, process) = (Scene::new(&deployment)?, deployment.id(UP)?);
    let crowd = Crowd::start(&scene, plan(is_long), &[deployment.at.bridge], &ledger).await?;
    let before = counted(deployment.at.admin).await?;
    let descriptors = Holdings::of(process)?.descriptors;

    let per_second = if is_long { 200 } else { 50 };
    let mut churn = Churn::start(&scene, crowd.rooms(), deployment.at.bridge, per_second, trial.control)?;
    // A round is a minute, or as much as there is time for. The first tenth warms caches and allocator up.
    let round = Duration::from_secs(if is_long { 60 } else { 5 });
    sleep((round * trial.rounds / 10).max(Duration::from_secs(2))).await;
    let (warm, begun) = (Holdings::of(process)?.memory, Instant::now());
    let mut samples = Vec::new();
    for minute in 1..=trial.rounds {
        sleep(round).await;
        let now = Holdings::of(process)?;
        samples.push((begun.elapsed().as_secs_f64() / 3600.0, now.memory as f64));
        trial.say(format_args!(
            "{minute}: {} KiB, {} descriptors, {} sockets came and went",
            now.memory,
            now.descriptors,
            churn.opened()
        ));
    }
    churn.stop().await;

    let mut after = (before.clone(), 0);
    let is_back = async || {
        after = (counted(deployment.at.admin).await?, Holdings::of(process)?.descriptors);
        Ok(are_back(&before, &after.0) && after.1 <= descriptors + COME_AND_GO)
    };
    let patience = if trial.control { BACK / 3 } else { BACK };
    let back = until("everything is back", patience, is_back).await;
    check!(
        back.is_ok(),
        "{GAUGES:?} were {before:?} and are {:?}, {descriptors} descriptors are {}",
        after.0,
        after.1
    );
    let grown = Holdings::of(process)?.memory.saturating_sub(warm);
    let slope = slope(&samples);
    let is_an_hour = samples.last().is_some_and(|(hours, _)| *hours >= 1.0);
    check!(grown <= NOISE, "memory grew by {grown} KiB");
    check!(!is_an_hour || slope < SLOPE, "memory grows by {slope:.0} KiB an hour");
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("sockets came and went", churn.opened())
        .with("KiB more memory", grown)
        .with("KiB an hour", if is_an_hour { format!("{slope:.0}") } else { "unknown".into() })
        .checked(&checked))
}

async fn counted(admin: SocketAddr) -> anyhow::Result<Vec<f64>> {
    let metrics = Metrics::read(admin).await?;
    Ok(GAUGES.iter().map(|name| metrics.sum(name, &[])).collect())
}

/// Tasks, the first of them, come and go like descriptors; the others are exactly what they were.
fn are_back(before: &[f64], after: &[f64]) -> bool {
    after[0] <= before[0] + COME_AND_GO as f64 && after[1..] == before[1..]
}

/// How steep the straight line is that fits best.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let rise: f64 = samples.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let run: f64 = samples.iter().map(|it| (it.0 - x).powi(2)).sum();
    rise / run
}

fn plan(is_long: bool) -> CrowdPlan {
    CrowdPlan {
        rooms: if is_long { 100 } else { 3 },
        writers: 1,
        readers: 49,
        pace: Duration::from_secs(if is_long { 5 } else { 1 }),
        patience: Duration::from_secs(30),
        glance: Duration::from_millis(if is_long { 1_000 } else { 200 }),
        ..CrowdPlan::default()
    }
}
