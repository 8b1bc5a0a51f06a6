//! Row 12: a process stands still, with all its connections open, and goes on later.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use causeway_proto::presence::{GetPresenceRequest, PresenceStatus, presence_client::PresenceClient};
use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    options::Length,
    outcome::{Failure, Outcome, Tally},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Scene, bridges, redis::Redis, socket::Socket, until},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 12,
    name: "pause",
    must_hold: "noticed within ping and pong: errors within 5 s, not ready, nobody seems present for long; the ledger",
    control: "what stands still never goes on",
    short: 1,
    long: 2,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// The longest that a message may wait for an answer of either kind.
const ANSWER: Duration = Duration::from_secs(5);
/// From ping to the pong that does not come, and until everybody knows.
const PING_AND_PONG: Duration = Duration::from_secs(10 + 5 + 2);
/// How long somebody may seem to be there who is not.
const STALE: Duration = Duration::from_secs(60);
/// How soon all goes on.
const BACK: Duration = Duration::from_secs(20);
/// Beyond a limit, because the machine has other things to do.
const SLACK: Duration = Duration::from_millis(500);
/// What stands still, in turn. The crowd is on the other bridge.
const VICTIMS: [&str; 5] = ["chat", "notification", "presence", REDIS, ELSEWHERE];
const REDIS: &str = "Redis";
const ELSEWHERE: &str = "bridge-2";
/// A user who is on the bridge that the crowd is not on.
const GHOST: &str = "ghost";

/// A deployment of which a part can stand still.
struct Stand {
    deployment: Deployment,
    redis: Option<Redis>,
    scene: Scene,
    is_long: bool,
}

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let is_long = trial.length == Length::Long;
    let (stand, elsewhere) = stand(trial, is_long).await?;
    let scene = &stand.scene;
    scene.room("haunted", &[GHOST.to_owned()]).await?;
    let plan = CrowdPlan {
        pace: Duration::from_millis(10),
        patience: Duration::from_secs(8),
        ..CrowdPlan::default()
    };
    let crowd = Crowd::start(scene, plan, &[stand.deployment.at.bridge], &ledger).await?;
    let (mut pauses, mut longest) = (0, Duration::ZERO);
    for round in 1..=trial.rounds {
        for victim in VICTIMS.into_iter().filter(|victim| *victim != REDIS || stand.redis.is_some()) {
            let path = format!("/ws/group/haunted/?token={}", scene.token(GHOST)?);
            let ghost = Socket::open(elsewhere, &path).await?;
            until("the ghost is there", BACK, async || stand.is_present().await).await?;
            stand.still(victim)?;
            let noticed = stand.hurts(victim, &crowd).await?;
            longest = longest.max(noticed);
            if !trial.control {
                stand.goes_on(victim)?;
            }
            let patience = if trial.control { ANSWER } else { BACK };
            let back = crowd.acknowledges(20, patience).await.map_err(broken)?;
            drop(ghost);
            pauses += 1;
            trial.say(format_args!(
                "round {round}: {victim} stood still, noticed after {:.1} s, served again after {:.1} s",
                noticed.as_secs_f32(),
                back.as_secs_f32()
            ));
        }
    }
    let refused = crowd.counts().refused.load(Relaxed);
    let checked = crowd.finish(scene).await?;
    Ok(Tally::new()
        .with("pauses", pauses)
        .with("refusals, after which it was sent again", refused)
        .with("ms until it was noticed, at most", longest.as_millis())
        .checked(&checked))
}

async fn stand(trial: &Trial, is_long: bool) -> anyhow::Result<(Stand, std::net::SocketAddr)> {
    let redis = Redis::start();
    let mut deployment = Deployment::split(trial.home(), &trial.place("data")?);
    if let Some(redis) = &redis {
        deployment.set("redis.url", redis.url());
    }
    if !is_long {
        // Nobody waits for a minute.
        deployment.set("services.limits.keepalive_interval", "1s");
        deployment.set("services.limits.keepalive_timeout", "1s");
        deployment.set("services.presence.orphan_grace", "500ms");
        deployment.set("services.presence.offline_after", "500ms");
    }
    deployment.up().await?;
    let elsewhere = bridges::add(&mut deployment, ELSEWHERE).await?;
    let scene = Scene::new(&deployment)?;
    Ok((Stand { deployment, redis, scene, is_long }, elsewhere))
}

impl Stand {
    fn still(&self, victim: &str) -> anyhow::Result<()> {
        match &self.redis {
            Some(redis) if victim == REDIS => redis.pause(),
            _ => self.deployment.signal(victim, Signal::STOP)?,
        }
        Ok(())
    }

    fn goes_on(&self, victim: &str) -> anyhow::Result<()> {
        match &self.redis {
            Some(redis) if victim == REDIS => redis.unpause(),
            _ => self.deployment.signal(victim, Signal::CONT)?,
        }
        Ok(())
    }

    /// Half a minute in which a part stands still, or a few seconds; how long it took to notice.
    async fn hurts(&self, victim: &str, crowd: &Crowd) -> Result<Duration, Failure> {
        let pause = Duration::from_millis(if self.is_long { 30_000 } else { 1_500 });
        let begun = Instant::now();
        match victim {
            "chat" => {
                let refused = crowd.counts().refused.load(Relaxed);
                let hears = async || Ok(crowd.counts().refused.load(Relaxed) > refused);
                let mut noticed = until("senders hear of it", ANSWER + SLACK, hears).await.map_err(broken)?;
                if self.is_long {
                    let not_ready = async || Ok(!self.deployment.is_ready().await);
                    until("the bridge is not ready", PING_AND_PONG, not_ready).await.map_err(broken)?;
                    noticed = begun.elapsed();
                }
                sleep(pause.saturating_sub(begun.elapsed())).await;
                Ok(noticed)
            }
            ELSEWHERE => {
                let may = if self.is_long { STALE } else { BACK };
                let is_gone = async || Ok(!self.is_present().await?);
                until("the ghost is gone", may, is_gone).await.map_err(broken)
            }
            _ => {
                // Messages need none of these.
                crowd.acknowledges(20, ANSWER).await.map_err(broken)?;
                sleep(pause.saturating_sub(begun.elapsed())).await;
                crowd.acknowledges(20, ANSWER).await.map_err(broken)?;
                Ok(Duration::ZERO)
            }
        }
    }

    /// Whether the ghost seems to be there.
    async fn is_present(&self) -> anyhow::Result<bool> {
        let grpc = self.scene.grpc_to(&format!("http://{}", self.deployment.at.presence))?;
        let request = GetPresenceRequest { user_ids: vec![GHOST.to_owned()] };
        let presences = PresenceClient::new(grpc).get_presence(request).await?.into_inner().presences;
        Ok(presences.first().is_some_and(|presence| presence.status() == PresenceStatus::Online))
    }
}

fn broken(error: anyhow::Error) -> Failure {
    Failure::Broken(format!("{error:#}"))
}
