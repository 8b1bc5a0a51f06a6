//! Row 13 with two of each part: Redis is wiped, killed and stands still, and messages go on, live from the log; PostgreSQL is
//! stopped or stands still, and nothing is acknowledged, and who sends hears so within 5 s.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use causeway_proto::chat::{ListConversationsRequest, chat_client::ChatClient};
use rand::Rng;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Scene,
        fleet::{Fleet, PARTS},
        relay::Relay,
        until, wounds,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 13,
    name: "dependency-away",
    must_hold: "without Redis live from the log; without PostgreSQL no acknowledgement, an error within 5 s; healed within 5 s",
    control: "PostgreSQL stays",
    short: 1,
    long: 20,
    is_alone: true,
    run: |trial| Box::pin(run(trial)),
};

/// How soon who sends must have an answer, and how soon all must be well again.
const LIMIT: Duration = Duration::from_secs(5);
/// What measuring may add to that.
const SLACK: Duration = Duration::from_millis(700);
/// How long PostgreSQL stands still: longer than anybody may have to wait for an answer.
const STILL: Duration = Duration::from_millis(5_600);
/// How long it is stopped.
const STOPPED: Duration = Duration::from_millis(1_500);
/// When during the start of a chat, in milliseconds.
const STARTING: std::ops::Range<u64> = 10..300;
/// How often in a round.
const STARTS: u32 = 2;
/// How soon it serves.
const SERVES: Duration = Duration::from_secs(20);
/// How long live delivery is measured.
const WINDOW: Duration = Duration::from_secs(1);
/// Without Redis the log is looked at this often.
const STATED: Duration = Duration::from_millis(250);
/// What reading and sending what is found may add to that.
const READ: Duration = Duration::from_millis(150);

/// What is done to Redis.
#[derive(Debug, Clone, Copy)]
enum Redis {
    Wiped,
    Still,
    Killed,
}

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let Some(mut fleet) = Fleet::plan(trial.home(), &trial.place("data")?) else {
        return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
    };
    fleet.up().await?;
    let scene = Scene::new(&fleet.deployment)?;
    let (patience, pace) = (Duration::from_secs(20), Duration::from_millis(20));
    let plan = CrowdPlan { window: 1, retry: false, patience, pace, ..CrowdPlan::default() };
    let crowd = Crowd::start(&scene, plan, &fleet.doors, &ledger).await?;
    let mut relay = Relay::start(&scene, fleet.doors).await?;
    let with = median_and_longest(&relay.measure(WINDOW).await?)?;
    trial.say(format_args!("with Redis: delivered within {:?}, at most {:?}", with.0, with.1));
    let (mut without, mut healed) = ((Duration::ZERO, Duration::ZERO), Duration::ZERO);
    let mut slowest = answered(&crowd, &scene, "nothing").await?;
    for round in 1..=trial.rounds {
        // The control is of PostgreSQL.
        let faults: &[Redis] = if trial.control { &[] } else { &[Redis::Wiped, Redis::Still, Redis::Killed] };
        for fault in faults.iter().copied() {
            let times = redis_away(&mut fleet, &crowd, &mut relay, fault, with.1).await?;
            slowest = slowest.max(answered(&crowd, &scene, &format!("Redis {fault:?}")).await?);
            trial.say(format_args!(
                "round {round}: Redis {fault:?}: delivered within {:?}, at most {:?}",
                times.0, times.1
            ));
            without = (without.0.max(times.0), without.1.max(times.1));
        }
        for still in [false, true] {
            let took = postgres_away(trial, &mut fleet, &crowd, still).await?;
            let how = if still { "PostgreSQL stood still" } else { "PostgreSQL was stopped" };
            trial.say(format_args!("round {round}: {how}: acknowledged again within {took:?}"));
            healed = healed.max(took);
            slowest = slowest.max(answered(&crowd, &scene, how).await?);
        }
        for _ in 0..STARTS {
            starts_without(trial, &mut fleet, &scene).await?;
        }
        trial.say(format_args!(
            "round {round}: a chat started {STARTS} times while PostgreSQL went away, and serves"
        ));
    }
    let refused = crowd.counts().refused.load(Relaxed);
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("resets", trial.rounds * (5 + STARTS))
        .checked(&checked)
        .with("refused", refused)
        .with("ms to an answer at most", slowest.as_millis())
        .with("ms to heal at most", healed.as_millis())
        .with("ms from bridge to bridge with Redis", with.0.as_millis())
        .with("without it", without.0.as_millis())
        .with("without it at most", without.1.as_millis()))
}

/// Has everybody finish and the ledger decide; the longest that a message waited for an answer since this was asked last.
async fn answered(crowd: &Crowd, scene: &Scene, fault: &str) -> Result<Duration, Failure> {
    crowd.settle(scene).await.map_err(|failure| failure.of(fault))?;
    let slowest = Duration::from_micros(crowd.counts().slowest.swap(0, Relaxed));
    check!(slowest <= LIMIT + SLACK, "{fault}: a message waited {slowest:?} for an answer");
    crowd.resume_writing();
    Ok(slowest)
}

/// Takes Redis away and gives it back: messages are acknowledged as ever, and shown at the other bridge at the stated pace, after
/// what the machine takes at most as usual. How long that took of the middle one and at most.
async fn redis_away(
    fleet: &mut Fleet,
    crowd: &Crowd,
    relay: &mut Relay,
    fault: Redis,
    usual: Duration,
) -> Result<(Duration, Duration), Failure> {
    match fault {
        Redis::Wiped => fleet.redis.flush(),
        Redis::Still => fleet.redis.pause(),
        Redis::Killed => fleet.redis.kill(),
    }
    let broken = |error: anyhow::Error| Failure::Broken(format!("Redis {fault:?}: {error:#}"));
    // The first to wait may wait until it is noticed.
    crowd.acknowledges(20, LIMIT).await.map_err(broken)?;
    let times = median_and_longest(&relay.measure(WINDOW).await.map_err(broken)?).map_err(broken)?;
    match fault {
        Redis::Wiped => {}
        Redis::Still => fleet.redis.unpause(),
        Redis::Killed => fleet.redis.resume(),
    }
    crowd.acknowledges(20, LIMIT).await.map_err(broken)?;
    check!(times.0 <= STATED + READ + usual, "Redis {fault:?}: what is written is shown after {:?}", times.0);
    Ok(times)
}

/// Takes PostgreSQL away and gives it back; how long clients took to write again.
async fn postgres_away(
    trial: &Trial,
    fleet: &mut Fleet,
    crowd: &Crowd,
    still: bool,
) -> Result<Duration, Failure> {
    let processes = if still && !trial.control { wounds::server(fleet)? } else { Vec::new() };
    processes.iter().for_each(|id| wounds::signal(*id, Signal::STOP));
    if !still && !trial.control {
        fleet.postgres.stop();
    }
    // What was stored when it went may still be on its way to whoever sent it.
    sleep(Duration::from_millis(300)).await;
    let counts = crowd.counts();
    let (acknowledged, refused) = (counts.acknowledged.load(Relaxed), counts.refused.load(Relaxed));
    sleep(if still { STILL } else { STOPPED }).await;
    let after = counts.acknowledged.load(Relaxed) - acknowledged;
    check!(after == 0, "{after} messages were acknowledged while PostgreSQL was away");
    check!(counts.refused.load(Relaxed) > refused, "nobody was told that PostgreSQL is away");
    if still {
        processes.iter().for_each(|id| wounds::signal(*id, Signal::CONT));
    } else {
        fleet.postgres.resume();
    }
    match crowd.acknowledges(20, LIMIT).await {
        Ok(took) => Ok(took),
        Err(stuck) => Err(Failure::Broken(format!("not healed: {stuck:#}"))),
    }
}

/// Takes PostgreSQL away at some time during the start of a chat, and gives it back: the chat waits for it, and serves then.
async fn starts_without(trial: &mut Trial, fleet: &mut Fleet, scene: &Scene) -> Result<(), Failure> {
    let part = PARTS[1];
    fleet.deployment.kill(part);
    fleet.deployment.start(part)?;
    sleep(Duration::from_millis(trial.chance.random_range(STARTING))).await;
    fleet.postgres.stop();
    sleep(STOPPED / 3).await;
    fleet.postgres.resume();
    let chat = scene.grpc_to(&format!("http://{}", fleet.chats[1]))?;
    let serves = async || {
        let request = ListConversationsRequest { limit: 1, ..Default::default() };
        let is_over = !fleet.deployment.runs(part);
        Ok(is_over || ChatClient::new(chat.clone()).list_conversations(request).await.is_ok())
    };
    let served = until("a chat that was started serves", SERVES, serves).await;
    check!(
        fleet.deployment.runs(part),
        "a chat that was started ended when PostgreSQL went away for a moment:\n{}",
        fleet.deployment.tail(part)
    );
    served.map(drop).map_err(|error| Failure::Broken(format!("{error:#}")))
}

fn median_and_longest(times: &[Duration]) -> anyhow::Result<(Duration, Duration)> {
    let (Some(middle), Some(last)) = (times.get(times.len() / 2), times.last()) else {
        anyhow::bail!("nothing that was written at one bridge was shown at the other");
    };
    Ok((*middle, *last))
}
