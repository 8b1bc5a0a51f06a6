//! Row 11 with two of each part: the network between a chat and PostgreSQL, and between a bridge and a chat, swallows or resets.
//! While the other chat is well, messages go on; while none is, nothing is acknowledged and who sends hears so within 5 s.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    options::Length,
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Part, Scene,
        fleet::Fleet,
        proxy::{Proxy, Way},
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 11,
    name: "replica-partition",
    must_hold: "goes on with the other replica; without a store no acknowledgement, an error within 5 s; healed within 5 s",
    control: "the network stays whole",
    short: 1,
    long: 10,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How soon who sends must have an answer, and how soon all must be well again.
const LIMIT: Duration = Duration::from_secs(5);
/// What measuring may add to that.
const SLACK: Duration = Duration::from_millis(700);
/// How long the network is broken where nobody is told: longer than anybody may have to wait for an answer.
const UNTOLD: Duration = Duration::from_millis(5_600);
/// And where connections are reset.
const TOLD: Duration = Duration::from_millis(1_500);

/// Where it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// One chat and PostgreSQL.
    OneChatAndStore,
    /// Both chats and PostgreSQL.
    BothChatsAndStore,
    /// One bridge and one chat.
    BridgeAndOneChat,
}

/// Proxies where parts call each other.
struct Network {
    chats_to_store: [Proxy; 2],
    bridge_to_chat: Proxy,
}

async fn run(trial: &mut Trial) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let Some(mut fleet) = Fleet::plan(trial.home(), &trial.place("data")?) else {
        return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
    };
    let network = Network::of(&mut fleet).await?;
    fleet.up().await?;
    let scene = Scene::new(&fleet.deployment)?;
    let patience = Duration::from_secs(20);
    let pace = Duration::from_millis(10);
    let plan = CrowdPlan { window: 1, retry: false, patience, pace, writers: 4, ..CrowdPlan::default() };
    let elsewhere = CrowdPlan { name: "elsewhere", rooms: 1, ..plan.clone() };
    // Most are at the bridge whose way to a chat breaks.
    let crowd = Crowd::start(&scene, plan, &fleet.doors[..1], &ledger).await?;
    let elsewhere = Crowd::start(&scene, elsewhere, &fleet.doors[1..], &trial.ledger("elsewhere")?).await?;
    let (mut faults, mut healed, mut silence) = (0, Duration::ZERO, Duration::ZERO);
    // In a short run, of the two ways only the one where nobody is told, which is the harder.
    let ways: &[Way] = match trial.length {
        Length::Short => &[Way::BlackHole],
        Length::Long => &[Way::BlackHole, Way::Reset],
    };
    for round in 1..=trial.rounds {
        for between in [Between::BridgeAndOneChat, Between::OneChatAndStore, Between::BothChatsAndStore] {
            for way in ways {
                let fault = format!("{between:?}, {way:?}");
                let (back, silent) = network
                    .breaks(trial, &crowd, between, *way)
                    .await
                    .map_err(|failure| failure.of(&fault))?;
                trial.say(format_args!(
                    "round {round}: {fault}: acknowledged again within {back:?}, longest silence {silent:?}, {} refused so far",
                    crowd.counts().refused.load(Relaxed)
                ));
                faults += 1;
                healed = healed.max(back);
                silence = silence.max(silent);
            }
        }
    }
    let slowest = [&crowd, &elsewhere].map(|crowd| crowd.counts().slowest.load(Relaxed));
    let slowest = Duration::from_micros(slowest[0].max(slowest[1]));
    let refused = crowd.counts().refused.load(Relaxed);
    check!(slowest <= LIMIT + SLACK, "a message waited {slowest:?} for an answer");
    Ok(Tally::new()
        .with("faults", faults)
        .checked(&crowd.finish(&scene).await?)
        .checked(&elsewhere.finish(&scene).await?)
        .with("refused", refused)
        .with("ms to an answer at most", slowest.as_millis())
        .with("ms to heal at most", healed.as_millis())
        .with("ms at most without an acknowledgement while one chat was well", silence.as_millis()))
}

impl Network {
    async fn of(fleet: &mut Fleet) -> anyhow::Result<Self> {
        let network = Self {
            chats_to_store: [Proxy::to(fleet.store_at()).await?, Proxy::to(fleet.store_at()).await?],
            bridge_to_chat: Proxy::to(fleet.chats[0]).await?,
        };
        let [first, second] = network.chats_to_store.each_ref().map(|proxy| fleet.store_by(proxy.at));
        let chats = format!("http://{},http://{}", network.bridge_to_chat.at, fleet.chats[1]);
        fleet.deployment.plan(Part::new("chat", "chat").set("store.url", first));
        let chat = Part::new("chat-2", "chat").set("services.chat.listen", fleet.chats[1]);
        fleet.deployment.plan(chat.set("store.url", second));
        fleet.deployment.plan(Part::new("bridge", "bridge").set("services.chat.url", chats));
        Ok(network)
    }

    /// Breaks and heals it; how long until messages were acknowledged again, and for how long none was while one chat was well.
    async fn breaks(
        &self,
        trial: &Trial,
        crowd: &Crowd,
        between: Between,
        way: Way,
    ) -> Result<(Duration, Duration), Failure> {
        let [first, second] = &self.chats_to_store;
        let proxies = match between {
            Between::OneChatAndStore => vec![first],
            Between::BothChatsAndStore => vec![first, second],
            Between::BridgeAndOneChat => vec![&self.bridge_to_chat],
        };
        if !trial.control {
            proxies.iter().for_each(|proxy| proxy.set(way));
        }
        let lasts = if way == Way::Reset { TOLD } else { UNTOLD };
        let silent = if between == Between::BothChatsAndStore {
            nobody_is_answered(crowd, lasts).await?;
            Duration::ZERO
        } else {
            goes_on(crowd, lasts).await?
        };
        proxies.iter().for_each(|proxy| proxy.set(Way::Pass));
        match crowd.acknowledges(20, LIMIT).await {
            Ok(took) => Ok((took, silent)),
            Err(stuck) => Err(Failure::Broken(format!("not healed: {stuck:#}"))),
        }
    }
}

/// Without a store there is no acknowledgement, and those who send hear so.
async fn nobody_is_answered(crowd: &Crowd, lasts: Duration) -> Result<(), Failure> {
    // What was under way when it broke may still be answered.
    sleep(Duration::from_millis(300)).await;
    let counts = crowd.counts();
    let (acknowledged, refused) = (counts.acknowledged.load(Relaxed), counts.refused.load(Relaxed));
    sleep(lasts).await;
    let after = counts.acknowledged.load(Relaxed) - acknowledged;
    check!(after == 0, "{after} messages were acknowledged while the store was away");
    check!(counts.refused.load(Relaxed) > refused, "nobody was told that the store is away");
    Ok(())
}

/// While one chat is well, messages go on; the longest time without one that was acknowledged.
async fn goes_on(crowd: &Crowd, lasts: Duration) -> Result<Duration, Failure> {
    let (begun, mut last) = (Instant::now(), Instant::now());
    let (mut before, mut silent) = (crowd.counts().acknowledged.load(Relaxed), Duration::ZERO);
    while begun.elapsed() < lasts {
        sleep(Duration::from_millis(10)).await;
        let now = crowd.counts().acknowledged.load(Relaxed);
        if now > before {
            (before, last) = (now, Instant::now());
        }
        silent = silent.max(last.elapsed());
    }
    check!(silent <= LIMIT, "no message was acknowledged for {silent:?}, and one chat was well");
    Ok(silent)
}
