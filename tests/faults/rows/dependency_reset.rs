//! Row 13: what Causeway stands on is wiped or dies: Redis loses everything, Redis is killed, PostgreSQL is stopped at once, while
//! two bridges and two chats are at work.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use causeway_proto::presence::{GetPresenceRequest, PresenceStatus, presence_client::PresenceClient};
use rand::Rng;
use tokio::time::sleep;

use crate::{
    ledger::Stored,
    options::Length,
    outcome::{Failure, Outcome, Tally},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Scene,
        postgres::Postgres,
        replicas::{OTHER_CHAT, Replicas},
        system, until,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 13,
    name: "dependency-reset",
    must_hold: "nothing is lost; Redis is never the truth, and live delivery goes on without it",
    control: "PostgreSQL comes back as it was some messages ago",
    short: 4,
    long: 80,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How long clients may wait for a message to be stored and shown, once what is needed is there.
const SERVED: Duration = Duration::from_secs(10);
/// How long it may take until everybody who is there seems to be there again.
const PRESENT: Duration = Duration::from_secs(60);
/// How long everything goes on between two resets, in milliseconds, at most.
const BETWEEN: u64 = 300;
/// How many messages must come through after each.
const SOME: u64 = 20;

/// What happens to what Causeway stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reset {
    /// Redis forgets everything (`FLUSHALL`).
    RedisWiped,
    /// Redis is killed, people write and read without it, and it starts again, empty.
    RedisKilled,
    /// PostgreSQL is stopped as by a crash (`pg_ctl stop -m immediate`), is away for a moment, and starts again.
    PostgresStopped,
    /// All of them and a chat die together.
    Everything,
}

const RESETS: [Reset; 4] = [Reset::RedisWiped, Reset::RedisKilled, Reset::PostgresStopped, Reset::Everything];

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let Some(mut replicas) = Replicas::start(trial.home(), &trial.place("data")?).await? else {
        return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
    };
    let scene = Scene::new(&replicas.deployment)?;
    let plan = CrowdPlan { pace: Duration::from_millis(20), ..CrowdPlan::default() };
    let crowd = Crowd::start(&scene, plan, &replicas.doors, &ledger).await?;
    if replicas.redis.info("connected_clients") < 5 {
        return Err(anyhow::anyhow!("not everybody uses Redis").into());
    }
    if trial.control {
        go_back(&mut replicas.postgres, &crowd, &scene, trial).await?;
        crowd.finish(&scene).await?;
        return Ok(Tally::new());
    }
    for round in 1..=trial.rounds {
        sleep(Duration::from_millis(trial.chance.random_range(0..BETWEEN))).await;
        let reset = RESETS[(round as usize - 1) % RESETS.len()];
        strike(&mut replicas, reset, &crowd, trial.length).await?;
        let back = crowd.acknowledges(SOME, SERVED).await.map_err(|error| broken(reset, &error))?;
        trial.say(format_args!(
            "round {round}: {reset:?}, {SOME} more acknowledged within {:.1} s, {} so far",
            back.as_secs_f32(),
            crowd.counts().acknowledged.load(Relaxed)
        ));
    }
    let present = everybody_is_present(&replicas, &scene, &crowd).await?;
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("resets", trial.rounds)
        .with("ms until all were present again", present.as_millis())
        .checked(&checked))
}

/// Does it to them; when this returns, everything runs or is starting.
async fn strike(replicas: &mut Replicas, reset: Reset, crowd: &Crowd, length: Length) -> Result<(), Failure> {
    let Replicas { deployment, postgres, redis, .. } = replicas;
    let away = Duration::from_secs(if length == Length::Long { 5 } else { 1 });
    match reset {
        Reset::RedisWiped => redis.flush(),
        Reset::RedisKilled => {
            redis.kill();
            // What one chat writes, the other hears from the log.
            let received = crowd.counts().received.load(Relaxed);
            crowd.acknowledges(SOME, SERVED).await.map_err(|error| broken(reset, &error))?;
            let shown = async || Ok(crowd.counts().received.load(Relaxed) >= received + SOME);
            until("messages are shown without Redis", SERVED, shown)
                .await
                .map_err(|error| broken(reset, &error))?;
            redis.resume();
        }
        Reset::PostgresStopped => {
            postgres.stop();
            sleep(away).await;
            postgres.resume();
        }
        Reset::Everything => {
            redis.kill();
            postgres.stop();
            deployment.kill(OTHER_CHAT);
            postgres.resume();
            redis.resume();
            deployment.start(OTHER_CHAT)?;
        }
    }
    Ok(())
}

/// Has PostgreSQL forget what happened since a moment ago.
async fn go_back(
    postgres: &mut Postgres,
    crowd: &Crowd,
    scene: &Scene,
    trial: &Trial,
) -> Result<(), Failure> {
    let (data, copy) = (postgres.data(), trial.home().join("copy"));
    let [from, to] = [&data, &copy].map(|path| path.display().to_string());
    let reads = async || Ok(Stored::read(&scene.grpc, crowd.rooms()).await.is_ok());
    postgres.stop();
    system("cp", &["-a", &from, &to])?;
    postgres.resume();
    crowd.acknowledges(SOME, SERVED * 3).await?;
    until("chat reads again", PRESENT, reads).await?;
    crowd.settle(scene).await?;
    postgres.stop();
    system("rm", &["-rf", &from])?;
    system("mv", &[&to, &from])?;
    postgres.resume();
    until("chat reads again", PRESENT, reads).await?;
    Ok(())
}

/// Waits until the first member of each room, who has a socket open, seems to.
async fn everybody_is_present(
    replicas: &Replicas,
    scene: &Scene,
    crowd: &Crowd,
) -> Result<Duration, Failure> {
    let grpc = scene.grpc_to(&format!("http://{}", replicas.deployment.at.presence))?;
    let user_ids: Vec<_> = crowd.rooms().iter().map(|room| format!("{room}-0")).collect();
    let are = async || {
        let request = GetPresenceRequest { user_ids: user_ids.clone() };
        let presences = PresenceClient::new(grpc.clone()).get_presence(request).await;
        let all = presences.map(|all| all.into_inner().presences).unwrap_or_default();
        Ok(!all.is_empty() && all.iter().all(|presence| presence.status() == PresenceStatus::Online))
    };
    let present = until("everybody is present again", PRESENT, are).await;
    present.map_err(|error| Failure::Broken(format!("{error:#}")))
}

fn broken(reset: Reset, error: &anyhow::Error) -> Failure {
    Failure::Broken(format!("{reset:?}: {error:#}"))
}
