//! Row 2: the power goes. What the disk was told to keep is there again, what only the system's memory had is not: here a
//! missing fsync shows, which no `kill -9` can show.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use rand::Rng;

use crate::{
    outcome::{Outcome, Tally, needs},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Part, Scene, database, deployment::UP, disk::Disk, strace::Strace,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 2,
    name: "power-cut",
    must_hold: "nothing acknowledged is lost; integrity_check is ok",
    control: "the write-ahead log's fsync does nothing, as under synchronous = NORMAL",
    short: 3,
    long: 200,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// Of the disk, in MiB; it is a file with holes.
const SIZE: u64 = 512;
/// How long clients may take to come back.
const BACK: Duration = Duration::from_secs(20);
/// The longest between two cuts, in milliseconds.
const LIFE: u64 = 600;
/// In a long run, the ledger is asked this often.
const ASK: u32 = 20;

async fn run(trial: &mut Trial) -> Outcome {
    needs("strace")?;
    let ledger = trial.ledger("ledger")?;
    let mut disk = Disk::make(trial.home(), "disk-0", SIZE)?;
    let mut deployment = Deployment::single(trial.home(), &disk.place.join("data"));
    deployment.set("bridge.drain", "100ms");
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let crowd = Crowd::start(&scene, CrowdPlan::default(), &[deployment.at.bridge], &ledger).await?;
    // Rooms and users are not what is at stake: they go from the log into the database itself.
    deployment.stop(UP).await?;
    database::fold(&deployment.data().join("chat.db"))?;
    restart(&mut deployment, trial.control).await?;
    for round in 1..=trial.rounds {
        tokio::time::sleep(Duration::from_millis(trial.chance.random_range(50..LIFE))).await;
        deployment.kill(UP);
        disk = disk.lose_power(&format!("disk-{round}"))?;
        deployment.store_in(&disk.place.join("data"));
        let copies = trial.place(&format!("copies-{round}"))?;
        for database in database::all(deployment.data()) {
            database::is_whole(&database::copy(&database, &copies)?)?;
        }
        restart(&mut deployment, trial.control).await?;
        if let Err(stuck) = crowd.acknowledges(1, BACK).await {
            return Err(crowd.blame(&scene, stuck).await);
        }
        if round % ASK == 0 {
            crowd.settle(&scene).await?;
            crowd.resume_writing();
        }
        trial.say(format_args!(
            "round {round}: power cut, {} acknowledged so far",
            crowd.counts().acknowledged.load(Relaxed)
        ));
    }
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new().with("power cuts", trial.rounds).checked(&checked))
}

/// Starts it on what the disk has now, under the control's spell.
async fn restart(deployment: &mut Deployment, control: bool) -> anyhow::Result<()> {
    deployment.kill_all();
    let part = Part::new(UP, UP);
    let log = database::beside(&deployment.data().join("chat.db"), "-wal");
    let lie = Strace::lie("fsync,fdatasync").on([log]);
    deployment.plan(if control { part.under(lie) } else { part });
    deployment.up().await.map(drop)
}
