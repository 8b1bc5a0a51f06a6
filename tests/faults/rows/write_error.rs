//! Row 3: a write or an fsync fails. Nobody knows what is on the disk then, and a second fsync that succeeds proves nothing:
//! the process acknowledges nothing more, says that it is not ready, and stops.

use std::{fs, path::Path, sync::atomic::Ordering::Relaxed, time::Duration};

use rand::{Rng, seq::IndexedRandom};

use crate::{
    outcome::{Failure, Outcome, Tally, check, needs},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Part, Scene, database, deployment::UP, strace::Strace, until},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 3,
    name: "write-error",
    must_hold: "nothing is acknowledged after a failed fsync; not ready, then stop; the ledger after a restart",
    control: "the error is swallowed: the call does nothing and says that it did",
    short: 4,
    long: 100,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// System calls that fail, and on which of the store's files.
const FAULTS: [(&str, &str); 3] =
    [("fsync,fdatasync", "-wal"), ("pwrite64", "-wal"), ("fsync,fdatasync,pwrite64", "")];
/// How soon it must not be ready any more.
const NOTICED: Duration = Duration::from_secs(1);
/// How soon after that it must have stopped: the grace that work under way has.
const STOPPED: Duration = Duration::from_secs(12);
/// How long clients may take to come back, or to bring the fault about.
const BACK: Duration = Duration::from_secs(20);

async fn run(trial: &mut Trial) -> Outcome {
    needs("strace")?;
    let data = trial.place("data")?;
    let ledger = trial.ledger("ledger")?;
    let mut deployment = Deployment::single(trial.home(), &data);
    deployment.set("bridge.drain", "100ms");
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let plan = CrowdPlan { window: 1, ..CrowdPlan::default() };
    let writers = (plan.rooms * plan.writers) as u64;
    let crowd = Crowd::start(&scene, plan, &[deployment.at.bridge], &ledger).await?;
    let (mut slowest, mut refused) = (Duration::ZERO, 0);
    for round in 1..=trial.rounds {
        let (calls, file) = match (trial.control, FAULTS.choose(&mut trial.chance)) {
            // A write that is swallowed would be noticed when it is read back; a sync would not.
            (true, _) | (_, None) => FAULTS[0],
            (false, Some(fault)) => *fault,
        };
        let when = trial.chance.random_range(if file.is_empty() { 1..3 } else { 2..60 });
        deployment.kill(UP);
        let strace = if trial.control { Strace::lie(calls) } else { Strace::fail(calls, "EIO") };
        let file = database::beside(&data.join("chat.db"), file);
        deployment.plan(Part::new(UP, UP).under(strace.when(when).on([file.clone()])));
        // The very first writes are those of the start, which is refused for it.
        if deployment.up().await.is_err() {
            check!(deployment.ended().is_some(), "{calls} {when} failed in the start, which hangs");
            refused += 1;
        } else {
            let acknowledged = failure(&deployment, trial.home(), &crowd).await?;
            let stopped =
                stops(&mut deployment).await.map_err(|failure| failure.of(&format!("{calls} {when}")));
            slowest = slowest.max(stopped?);
            let after = crowd.counts().acknowledged.load(Relaxed) - acknowledged;
            check!(
                after <= writers,
                "round {round}: {after} messages were acknowledged after {calls} had failed"
            );
        }
        deployment.kill_all();
        deployment.plan(Part::new(UP, UP));
        deployment.up().await?;
        if let Err(stuck) = crowd.acknowledges(1, BACK).await {
            return Err(crowd.blame(&scene, stuck).await);
        }
        let name = file.file_name().unwrap_or_default().display();
        trial.say(format_args!(
            "round {round}: {calls} {when} of {name} failed, it stopped, and serves again"
        ));
    }
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("errors", trial.rounds)
        .with("of them in the start", refused)
        .checked(&checked)
        .with("ms from the error to the exit at most", slowest.as_millis()))
}

/// Waits until the fault has happened; how many messages were acknowledged by then.
async fn failure(deployment: &Deployment, home: &Path, crowd: &Crowd) -> anyhow::Result<u64> {
    let log = home.join(format!("{UP}.strace"));
    let has_failed = async || Ok(fs::read_to_string(&log).unwrap_or_default().contains("(INJECTED)"));
    until("the call fails", BACK, has_failed)
        .await
        .map_err(|error| error.context(crowd.complaint()).context(deployment.tail(UP)))?;
    Ok(crowd.counts().acknowledged.load(Relaxed))
}

/// It is not ready any more, and ends with a failure; how long that took.
async fn stops(deployment: &mut Deployment) -> Result<Duration, Failure> {
    let unready = until("it is not ready", NOTICED, async || Ok(!deployment.is_ready().await)).await;
    let Ok(unready) = unready else {
        return Err(Failure::Broken("after the error it goes on being ready".into()));
    };
    let ended = until("it stops", STOPPED, async || Ok(!deployment.runs(UP))).await;
    let Ok(ended) = ended else { return Err(Failure::Broken("it does not stop after the error".into())) };
    let status = deployment.exit(UP).await?;
    check!(!status.success(), "it stopped after the error as if nothing were wrong");
    Ok(unready + ended)
}
