//! Rows 1, 12 and 13 together: two of each part over PostgreSQL and Redis, and all of them are killed, stopped, paused and wiped at
//! random, several at the same time. When everything runs again, the ledger decides.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use rand::Rng;
use tokio::time::sleep;

use crate::{
    ledger::{Ledger, Told},
    outcome::{Failure, Outcome, Tally, broken},
    row::Row,
    stage::{Crowd, CrowdPlan, Scene, fleet::Fleet, system, wounds::Wounds},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 0,
    name: "chaos",
    must_hold: "the ledger, whatever dies or stands still of two of each part, Redis and PostgreSQL",
    control: "PostgreSQL forgets the newest acknowledged message",
    short: 14,
    long: 600,
    run: |trial| Box::pin(run(trial)),
};

/// Between two strikes, in milliseconds.
const BETWEEN: std::ops::Range<u64> = 100..1_200;
/// After so many strikes all is healed and the ledger decides.
const STRIKES: u32 = 40;
/// How soon messages go through again when nothing is hurt any more.
const BACK: Duration = Duration::from_secs(20);

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let Some(mut fleet) = Fleet::plan(trial.home(), &trial.place("data")?) else {
        return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
    };
    fleet.up().await?;
    let scene = Scene::new(&fleet.deployment)?;
    let plan = CrowdPlan {
        rooms: 4,
        readers: 4,
        pace: Duration::from_millis(40),
        polyglot: true,
        settling: Duration::from_secs(if trial.control { 1 } else { 30 }),
        ..CrowdPlan::default()
    };
    let crowd = Crowd::start(&scene, plan, &fleet.doors, &ledger).await?;
    let (mut wounds, mut back) = (Wounds::default(), Duration::ZERO);
    for round in 1..=trial.rounds {
        if let Some(what) = wounds.strike(&mut fleet, &mut trial.chance)? {
            trial.say(format_args!("strike {round}: {what}"));
        }
        let until = Instant::now() + Duration::from_millis(trial.chance.random_range(BETWEEN));
        while Instant::now() < until {
            wounds.heal(&mut fleet).await?;
            if let Some(part) = wounds.unexpected(&mut fleet) {
                broken!("{part} ended by itself:\n{}", fleet.deployment.tail(part));
            }
            sleep(Duration::from_millis(20)).await;
        }
        if round % STRIKES == 0 || round == trial.rounds {
            wounds.heal_all(&mut fleet).await?;
            let begun = Instant::now();
            fleet.up().await.map_err(|error| Failure::Broken(format!("nothing is hurt, and {error:#}")))?;
            if let Err(stuck) = crowd.acknowledges(20, BACK).await {
                return Err(crowd.blame(&scene, stuck).await);
            }
            back = back.max(begun.elapsed());
            if trial.control {
                forget_newest(&fleet, &ledger)?;
            }
            let checked = crowd.settle(&scene).await?;
            let refused = crowd.counts().refused.load(Relaxed);
            trial.say(format_args!("after {round} strikes: {checked:?}, {refused} refusals, slowest back {back:?}"));
            crowd.resume_writing();
        }
    }
    let refused = crowd.counts().refused.load(Relaxed);
    let connects = crowd.counts().connects.load(Relaxed);
    let checked = crowd.finish(&scene).await?;
    let mut tally = Tally::new();
    for (what, count) in wounds.counts() {
        tally = tally.with(what, count);
    }
    Ok(tally
        .checked(&checked)
        .with("refusals, after which it was sent again", refused)
        .with("sockets", connects)
        .with("ms at most until messages went on when nothing was hurt", back.as_millis()))
}

fn forget_newest(fleet: &Fleet, ledger: &Ledger) -> anyhow::Result<()> {
    let Told(accounts) = ledger.read()?;
    let newest = accounts.values().flat_map(|account| &account.acknowledged).max_by_key(|(_, _, id)| id);
    if let Some((_, key, id)) = newest {
        let statement = format!(
            "DELETE FROM causeway_chat.message WHERE id = {id};
             DELETE FROM causeway_chat.event WHERE position(convert_to('{key}', 'UTF8') IN body) > 0"
        );
        system("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", &statement, &fleet.store])?;
    }
    Ok(())
}
