//! Row 1: the process dies, at a random time under load, or at its first, second, third… fsync.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use rand::Rng;

use crate::{
    ledger::{Checked, Ledger, Told},
    options::Length,
    outcome::{Failure, Outcome, Tally, check, needs},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Part, Scene, database, deployment::UP, strace::Strace},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 1,
    name: "process-death",
    must_hold: "the ledger; serving again within a second",
    control: "after a kill the store forgets the newest acknowledged message",
    short: 6,
    long: 300,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How soon it must serve again. An unoptimised build may take three times as long.
const AGAIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 3 } else { 1 });
/// How long clients may take to come back.
const BACK: Duration = Duration::from_secs(20);
/// What dies where four processes run.
const PARTS: [&str; 5] = ["chat", "chat", "bridge", "notification", "presence"];
/// It dies at most at this one of a thread's fsyncs, and begins again with the first.
const SYNCS: u32 = 40;
/// The longest that it lives under load, in milliseconds.
const LIFE: u64 = 500;

async fn run(trial: &mut Trial) -> Outcome {
    needs("strace")?;
    let data = trial.place("data")?;
    let ledger = trial.ledger("ledger")?;
    let mut deployment = Deployment::single(trial.home(), &data);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let crowd = Crowd::start(&scene, CrowdPlan::default(), &[deployment.at.bridge], &ledger).await?;
    let (mut slowest, mut at_sync) = (Duration::ZERO, 0);
    for round in 1..=trial.rounds {
        // Every other death is at an fsync: the first after a start, the second, and so on.
        let sync = (round % 2 == 0).then(|| (round / 2 - 1) % SYNCS + 1);
        match sync {
            Some(when) => {
                deployment.kill(UP);
                die_at_sync(&mut deployment, when).await?;
                at_sync += 1;
            }
            None => {
                tokio::time::sleep(Duration::from_millis(trial.chance.random_range(5..LIFE))).await;
                deployment.kill(UP);
            }
        }
        if trial.control {
            forget_newest(&deployment, &ledger)?;
        }
        let took = deployment.up().await?;
        slowest = slowest.max(took);
        check!(took <= AGAIN, "round {round}: it served again only after {took:?}");
        if let Err(stuck) = crowd.acknowledges(1, BACK).await {
            return Err(crowd.blame(&scene, stuck).await);
        }
        trial.say(format_args!(
            "round {round}: {}, serving after {:.0} ms, {} acknowledged",
            sync.map_or("killed".into(), |when| format!("killed at fsync {when}")),
            took.as_secs_f32() * 1e3,
            crowd.counts().acknowledged.load(Relaxed)
        ));
    }
    let checked = crowd.finish(&scene).await?;
    deployment.kill_all();
    let tally = Tally::new().with("deaths", trial.rounds).with("of them at an fsync", at_sync);
    let tally = tally.checked(&checked).with("ms to serve again at most", slowest.as_millis());
    if trial.control {
        return Ok(tally);
    }
    let tally = tally.with("deaths in a first start", die_in_first_starts(trial).await?);
    let (deaths, checked) = die_in_parts(trial).await?;
    Ok(tally.with("deaths of one of four processes", deaths).checked(&checked))
}

/// Has one of four processes die, whichever: the others and the clients go on.
async fn die_in_parts(trial: &mut Trial) -> Result<(u32, Checked), Failure> {
    let data = trial.place("parts")?;
    let ledger = trial.ledger("parts-ledger")?;
    let mut deployment = Deployment::split(trial.home(), &data);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let crowd = Crowd::start(&scene, CrowdPlan::default(), &[deployment.at.bridge], &ledger).await?;
    let deaths = trial.rounds.div_ceil(2);
    for death in 1..=deaths {
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(5..LIFE))).await;
        // Chat twice as often as any other: it is the one that stores.
        let part = PARTS[trial.chance.random_range(0..PARTS.len())];
        deployment.kill(part);
        deployment.start(part)?;
        if let Err(stuck) = crowd.acknowledges(1, BACK).await {
            return Err(crowd.blame(&scene, stuck).await);
        }
        trial.say(format_args!("death {death} of one of four: {part}, and messages went on"));
    }
    Ok((deaths, crowd.finish(&scene).await?))
}

/// Starts it so that it dies at an fsync of that number, by itself or by what clients write.
async fn die_at_sync(deployment: &mut Deployment, when: u32) -> anyhow::Result<()> {
    let started = Instant::now();
    deployment.plan(Part::new(UP, UP).under(Strace::kill("fsync,fdatasync").when(when)));
    deployment.start(UP)?;
    while deployment.ended().is_none() {
        anyhow::ensure!(started.elapsed() < BACK, "it lives on after fsync {when}: {}", deployment.tail(UP));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    deployment.kill(UP);
    deployment.plan(Part::new(UP, UP));
    Ok(())
}

/// Has first starts die at each of their fsyncs, until one does not die. Each is started again and must get ready.
async fn die_in_first_starts(trial: &Trial) -> Result<u32, Failure> {
    let (mut when, mut deaths) = (1, 0);
    loop {
        let data = trial.place(&format!("first-{when}"))?;
        let mut deployment = Deployment::single(trial.home(), &data);
        deployment.plan(Part::new(UP, UP).under(Strace::kill("fsync,fdatasync").when(when)));
        if deployment.up().await.is_ok() {
            deployment.kill_all();
            return Ok(deaths);
        }
        deployment.kill_all();
        deployment.plan(Part::new(UP, UP));
        if let Err(error) = deployment.up().await {
            return Err(Failure::Broken(format!("after a first start that died at fsync {when}: {error:#}")));
        }
        deployment.kill_all();
        deaths += 1;
        when += if trial.length == Length::Short { 4 } else { 1 };
    }
}

fn forget_newest(deployment: &Deployment, ledger: &Ledger) -> anyhow::Result<()> {
    let Told(accounts) = ledger.read()?;
    let newest = accounts.values().flat_map(|account| &account.acknowledged).max_by_key(|(_, _, id)| id);
    match newest {
        Some((room, key, _)) => database::forget(&deployment.data().join("chat.db"), room, key),
        None => Ok(()),
    }
}
