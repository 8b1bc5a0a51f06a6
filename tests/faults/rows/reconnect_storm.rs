//! Row 7: a bridge dies with all its clients, which come back at once and have all missed the same.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use crate::{
    ledger::Stored,
    options::Length,
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Scene, backend::Backend, metrics::Metrics},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 7,
    name: "reconnect-storm",
    must_hold: "all have everything that they missed within 10 s; no gap; each page of the logs is read once",
    control: "clients come back without `since`",
    short: 1,
    long: 5,
    is_alone: true,
    run: |trial| Box::pin(run(trial)),
};

/// From the death of the bridge until everybody has seen what was written meanwhile.
const RESUMED: Duration = Duration::from_secs(10);
/// Events of a page of the log, as the bridge reads it.
const PAGE: u64 = 128;
/// Presence is not what is tried here: it is not sent in rooms of more than these, and neither are delivery reports.
const LARGE: usize = 20;

async fn run(trial: &mut Trial) -> Outcome {
    let (data, ledger) = (trial.place("data")?, trial.ledger("ledger")?);
    let mut deployment = Deployment::split(trial.home(), &data);
    deployment.set("bridge.presence_limit", LARGE);
    deployment.set("services.chat.presence_limit", LARGE);
    deployment.set("bridge.delivery_limit", LARGE);
    deployment.set("services.chat.delivery_limit", LARGE);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let plan = plan(trial);
    let clients = plan.rooms * plan.readers;
    let settling = plan.settling;
    // More than a page, where there are few to read them.
    let missed: u32 = if trial.length == Length::Long { 40 } else { 150 };
    let crowd = Crowd::start(&scene, plan, &[deployment.at.bridge], &ledger).await?;
    let mut backend = Backend::new(&scene, &ledger)?;
    for room in crowd.rooms() {
        backend.write(room, 1).await?;
    }
    let mut seen = 1;
    crowd.sees(seen, settling).await?;
    let (mut slowest, mut read) = (Duration::ZERO, 0);
    for round in 1..=trial.rounds {
        let before = heads(&scene, &crowd).await?;
        let connects = crowd.counts().connects.load(Relaxed);
        let died = Instant::now();
        deployment.kill("bridge");
        for room in crowd.rooms() {
            backend.write(room, missed.into()).await?;
        }
        deployment.up().await?;
        seen += missed as usize;
        let back = crowd.sees(seen, settling).await;
        let took = died.elapsed();
        slowest = slowest.max(took);
        let sockets = crowd.counts().connects.load(Relaxed) - connects;
        if let Err(error) = back {
            return Err(Failure::Broken(format!("round {round}: {error:#}")));
        }
        check!(took <= RESUMED, "round {round}: all {clients} had resumed only after {took:?}");
        let wanted = pages(&before, &heads(&scene, &crowd).await?);
        let metrics = Metrics::read(deployment.at.admin).await?;
        let of_pages = ["service=\"Events\"", "method=\"Read\""];
        let pages = metrics.sum("causeway_bridge_call_seconds_count", &of_pages) as u64;
        check!(pages == wanted, "round {round}: {wanted} pages of the logs were read {pages} times");
        read += pages;
        trial.say(format_args!(
            "round {round}: {clients} clients resumed {:.1} s after the death, {sockets} sockets, {pages} pages read",
            took.as_secs_f32()
        ));
        // What comes live after it, comes once and in its place.
        for room in crowd.rooms() {
            backend.write(room, 1).await?;
        }
        seen += 1;
        crowd.sees(seen, settling).await?;
    }
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("deaths", trial.rounds)
        .with("ms until all had resumed, at most", slowest.as_millis())
        .with("pages, each read once", read)
        .checked(&checked))
}

/// Where the rooms' logs end.
async fn heads(scene: &Scene, crowd: &Crowd) -> anyhow::Result<Vec<u64>> {
    let stored = Stored::read(&scene.grpc, crowd.rooms()).await?;
    Ok(stored.0.values().map(|log| log.sequences.last().copied().unwrap_or_default()).collect())
}

/// How many pages hold what comes after the one and up to the other.
fn pages(before: &[u64], after: &[u64]) -> u64 {
    before.iter().zip(after).map(|(before, after)| (after - 1) / PAGE - before / PAGE + 1).sum()
}

fn plan(trial: &Trial) -> CrowdPlan {
    CrowdPlan {
        rooms: if trial.length == Length::Long { 100 } else { 10 },
        writers: 0,
        readers: 50,
        patience: Duration::from_secs(60),
        glance: Duration::from_secs(2),
        // Those who are away knock four times a second at most.
        pause: Duration::from_millis(125),
        resume: !trial.control,
        settling: Duration::from_secs(if trial.control { 2 } else { 30 }),
        ..CrowdPlan::default()
    }
}
