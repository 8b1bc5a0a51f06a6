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
    stage::{
        Crowd, CrowdPlan, Scene,
        fleet::Fleet,
        regulars::{Account, Regulars},
        system,
        wounds::Wounds,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 0,
    name: "chaos",
    must_hold: "the ledger, whatever dies or stands still of two of each part, Redis and PostgreSQL",
    control: "PostgreSQL forgets the newest acknowledged message",
    short: 12,
    long: 600,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// Between two strikes, in milliseconds.
const BETWEEN: std::ops::Range<u64> = 100..1_200;
/// After so many strikes all is healed and the ledger decides.
const STRIKES: u32 = 40;
/// How soon messages go through again when nothing is hurt any more.
const BACK: Duration = Duration::from_secs(20);

/// What is raged on, and who lives on it.
struct Ground {
    fleet: Fleet,
    scene: Scene,
    crowd: Crowd,
    regulars: Regulars,
    wounds: Wounds,
    ledger: Ledger,
    /// The longest until messages went on when nothing was hurt.
    back: Duration,
    plugin: Account,
}

async fn run(trial: &mut Trial) -> Outcome {
    let mut ground = Ground::prepare(trial).await?;
    for round in 1..=trial.rounds {
        ground.rage(trial, round).await?;
        if round % STRIKES == 0 || round == trial.rounds {
            ground.decide(trial, round).await?;
        }
    }
    let Ground { crowd, scene, regulars, wounds, back, plugin, .. } = ground;
    let counts = crowd.counts();
    let (refused, connects) = (counts.refused.load(Relaxed), counts.connects.load(Relaxed));
    let checked = crowd.finish(&scene).await?;
    regulars.end().await;
    let tally = wounds.counts().fold(Tally::new(), |tally, (what, count)| tally.with(what, count));
    Ok(tally
        .checked(&checked)
        .with("refusals, after which it was sent again", refused)
        .with("sockets", connects)
        .with("messages of a plugin's customers", plugin.settled)
        .with("answers handed on to it", plugin.answers)
        .with("of them again, and marked so", plugin.again)
        .with("ms at most until messages went on when nothing was hurt", back.as_millis()))
}

impl Ground {
    async fn prepare(trial: &Trial) -> Result<Self, Failure> {
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
        // Attached to the other chat than the one that answers are sent to.
        let regulars = Regulars::attach(&scene, &format!("http://{}", fleet.chats[1])).await?;
        regulars.write(true);
        let (wounds, back, plugin) = (Wounds::default(), Duration::ZERO, Account::default());
        Ok(Self { fleet, scene, crowd, regulars, wounds, ledger, back, plugin })
    }

    /// Strikes, and heals what has been hurt for long enough, until the next strike.
    async fn rage(&mut self, trial: &mut Trial, round: u32) -> Result<(), Failure> {
        let Self { fleet, wounds, .. } = self;
        if let Some(what) = wounds.strike(fleet, &mut trial.chance)? {
            trial.say(format_args!("strike {round}: {what}"));
        }
        let until = Instant::now() + Duration::from_millis(trial.chance.random_range(BETWEEN));
        while Instant::now() < until {
            wounds.heal(fleet).await?;
            if let Some(part) = wounds.unexpected(fleet) {
                broken!("{part} ended by itself:\n{}", fleet.deployment.tail(part));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Heals everything, has everybody finish and see everything, and has the ledger decide. Then all goes on.
    async fn decide(&mut self, trial: &Trial, round: u32) -> Result<(), Failure> {
        let Self { fleet, scene, crowd, .. } = self;
        self.wounds.heal_all(fleet).await?;
        let begun = Instant::now();
        fleet.up().await.map_err(|error| Failure::Broken(format!("nothing is hurt, and {error:#}")))?;
        let ready = begun.elapsed();
        if let Err(stuck) = crowd.acknowledges(20, BACK).await {
            return Err(crowd.blame(scene, stuck).await);
        }
        let back = begun.elapsed();
        self.back = self.back.max(back);
        self.plugin = self.regulars.settle(scene).await?;
        let settled = begun.elapsed();
        if trial.control {
            forget_newest(fleet, &self.ledger)?;
        }
        let checked = crowd.settle(scene).await?;
        trial.say(format_args!(
            "after {round} strikes: ready within {ready:.1?}, acknowledged within {back:.1?}, the plugin has finished within {settled:.1?}; \
             {checked:?}, {} refusals",
            crowd.counts().refused.load(Relaxed)
        ));
        crowd.resume_writing();
        self.regulars.write(true);
        Ok(())
    }
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
