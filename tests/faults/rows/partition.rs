//! Row 11: the network between the parts loses, delays, resets or swallows. While the store is away nothing is acknowledged and
//! who sends hears so within 5 s; when it is back, everybody is, within 5 s.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use crate::{
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Part, Scene,
        packets::Packets,
        proxy::{Proxy, Way},
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 11,
    name: "partition",
    must_hold: "no acknowledgement while the store is away, an error within 5 s; healed within 5 s; the ledger",
    control: "the network stays whole",
    short: 1,
    long: 20,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How soon who sends must hear that it is not stored, and how soon all must be well again.
const LIMIT: Duration = Duration::from_secs(5);
/// What measuring may add to that.
const SLACK: Duration = Duration::from_millis(700);
/// How long the store is away where nobody is told: longer than anybody may have to wait for an answer.
const UNTOLD: Duration = Duration::from_millis(5_600);
/// And where connections are reset.
const TOLD: Duration = Duration::from_millis(1_500);
/// How long everything else is.
const OTHERS_AWAY: Duration = Duration::from_secs(2);
/// What is lost of a lossy network, of a hundred packets.
const LOST: u32 = 10;

/// How the store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    /// Connections are taken, and nothing comes of them.
    Swallowed,
    /// No packet arrives.
    Dropped,
    /// Every connection is reset.
    Reset,
}

/// The four parts, with proxies where they call each other.
struct Network {
    bridge_to_chat: Proxy,
    bridge_to_presence: Proxy,
    bridge_to_notification: Proxy,
    chat_to_notification: Proxy,
}

async fn run(trial: &mut Trial) -> Outcome {
    let data = trial.place("data")?;
    let ledger = trial.ledger("ledger")?;
    let mut deployment = Deployment::split(trial.home(), &data);
    let network = Network::of(&mut deployment).await?;
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let plan =
        CrowdPlan { window: 1, retry: false, patience: Duration::from_secs(20), ..CrowdPlan::default() };
    let crowd = Crowd::start(&scene, plan, &[deployment.at.bridge], &ledger).await?;
    let (mut healed, mut faults) = (Duration::ZERO, 0);
    for round in 1..=trial.rounds {
        for away in [Away::Swallowed, Away::Dropped, Away::Reset] {
            if away == Away::Dropped && !Packets::can_be_lost() {
                trial.say("no packets are lost here: it takes root, network namespaces and nft");
                continue;
            }
            let took = store_away(trial, &network, &crowd, away).await?;
            trial.say(format_args!("round {round}: chat away ({away:?}), healed after {took:?}"));
            healed = healed.max(took);
            faults += 1;
        }
        faults += others_away(trial, &network, &crowd).await?;
        faults += slow_and_lossy(trial, &network, &crowd).await?;
    }
    let slowest = Duration::from_micros(crowd.counts().slowest.load(Relaxed));
    let refused = crowd.counts().refused.load(Relaxed);
    check!(slowest <= LIMIT + SLACK, "a message waited {slowest:?} for an answer");
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new()
        .with("faults", faults)
        .checked(&checked)
        .with("refused", refused)
        .with("ms to an answer at most", slowest.as_millis())
        .with("ms to heal at most", healed.as_millis()))
}

impl Network {
    async fn of(deployment: &mut Deployment) -> anyhow::Result<Self> {
        let at = deployment.at;
        let network = Self {
            bridge_to_chat: Proxy::to(at.chat).await?,
            bridge_to_presence: Proxy::to(at.presence).await?,
            bridge_to_notification: Proxy::to(at.notification).await?,
            chat_to_notification: Proxy::to(at.notification).await?,
        };
        let url = |proxy: &Proxy| format!("http://{}", proxy.at);
        let chat =
            Part::new("chat", "chat").set("services.notification.url", url(&network.chat_to_notification));
        let bridge = Part::new("bridge", "bridge")
            .set("services.chat.url", url(&network.bridge_to_chat))
            .set("services.presence.url", url(&network.bridge_to_presence))
            .set("services.notification.url", url(&network.bridge_to_notification));
        deployment.plan(chat);
        deployment.plan(bridge);
        Ok(network)
    }
}

/// Takes the store away from the bridge, and gives it back; how long clients took to write again.
async fn store_away(
    trial: &Trial,
    network: &Network,
    crowd: &Crowd,
    away: Away,
) -> Result<Duration, Failure> {
    let (counts, chat) = (crowd.counts(), &network.bridge_to_chat);
    let lost = match away {
        _ if trial.control => None,
        Away::Dropped => Some(Packets::drop_to(chat.at.port())?),
        Away::Swallowed | Away::Reset => {
            chat.set(if away == Away::Reset { Way::Reset } else { Way::BlackHole });
            None
        }
    };
    // What was under way when it went may still have been answered.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (acknowledged, refused) = (counts.acknowledged.load(Relaxed), counts.refused.load(Relaxed));
    tokio::time::sleep(if away == Away::Reset { TOLD } else { UNTOLD }).await;
    let after = counts.acknowledged.load(Relaxed) - acknowledged;
    check!(after == 0, "{after} messages were acknowledged while the store was away ({away:?})");
    check!(counts.refused.load(Relaxed) > refused, "nobody was told that the store is away ({away:?})");
    chat.set(Way::Pass);
    drop(lost);
    match crowd.acknowledges(1, LIMIT).await {
        Ok(took) => Ok(took),
        Err(stuck) => Err(Failure::Broken(format!("not healed after {away:?}: {stuck:#}"))),
    }
}

/// Takes everything away that a message does not need: messages are acknowledged as ever.
async fn others_away(trial: &Trial, network: &Network, crowd: &Crowd) -> Result<u32, Failure> {
    let others =
        [&network.bridge_to_presence, &network.bridge_to_notification, &network.chat_to_notification];
    others.iter().for_each(|proxy| proxy.set(Way::BlackHole));
    let started = Instant::now();
    while started.elapsed() < OTHERS_AWAY {
        if let Err(error) = crowd.acknowledges(1, LIMIT).await {
            return Err(Failure::Broken(format!("without presence and notification: {error:#}")));
        }
    }
    others.iter().for_each(|proxy| proxy.set(Way::Pass));
    trial.say("presence and notification away: messages went on");
    Ok(1)
}

/// A slow network, and one that loses packets: messages are late and none is lost.
async fn slow_and_lossy(trial: &Trial, network: &Network, crowd: &Crowd) -> Result<u32, Failure> {
    let late = |error: anyhow::Error| Failure::Broken(format!("on a bad network: {error:#}"));
    network.bridge_to_chat.set(Way::Delay(Duration::from_millis(50)));
    crowd.acknowledges(20, LIMIT).await.map_err(late)?;
    network.bridge_to_chat.cut();
    crowd.acknowledges(20, LIMIT).await.map_err(late)?;
    network.bridge_to_chat.set(Way::Pass);
    if !Packets::can_be_lost() {
        trial.say("50 ms late and cut: messages went on");
        return Ok(2);
    }
    let lossy = Packets::lose(LOST)?;
    crowd.acknowledges(50, 4 * LIMIT).await.map_err(late)?;
    drop(lossy);
    trial.say(format_args!("50 ms late, cut, and {LOST} of 100 packets lost: messages went on"));
    Ok(3)
}
