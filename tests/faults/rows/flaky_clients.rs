//! Row 6: the network between clients and the bridge breaks every two seconds, in turn by resetting every connection and by
//! silently swallowing what it carries.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use rand::Rng;
use tokio::time::sleep;

use crate::{
    options::Length,
    outcome::{Outcome, Tally},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Scene,
        proxy::{Proxy, Way},
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 6,
    name: "flaky-clients",
    must_hold: "everything is delivered to those who come back with `since`, in order, nothing twice",
    control: "clients come back without `since`",
    short: 4,
    long: 30,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// In each, every connection is cut once.
const ROUND: Duration = Duration::from_secs(2);
/// Clients share these; about half of them are reset while the others swallow.
const NETWORKS: u32 = 4;

async fn run(trial: &mut Trial) -> Outcome {
    let data = trial.place("data")?;
    let mut deployment = Deployment::single(trial.home(), &data);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let mut networks = Vec::new();
    for _ in 0..NETWORKS {
        networks.push(Proxy::to(deployment.at.bridge).await?);
    }
    let doors: Vec<_> = networks.iter().map(|network| network.at).collect();
    let mut plan = plan(trial.length);
    if trial.control {
        plan = CrowdPlan { resume: false, settling: Duration::from_secs(1), ..plan };
    }
    let crowd = Crowd::start(&scene, plan, &doors, &trial.ledger("ledger")?).await?;
    for round in 1..=trial.rounds {
        // By chance, or clients that go from one to the next could go on meeting the same fate.
        let (swallow, reset): (Vec<_>, Vec<_>) = networks.iter().partition(|_| trial.chance.random_bool(0.5));
        swallow.iter().for_each(|network| network.set(Way::BlackHole));
        for network in reset {
            sleep(ROUND / 2 / NETWORKS).await;
            network.cut();
        }
        sleep(ROUND / 2).await;
        for network in swallow {
            // What was swallowed is not given back.
            network.cut();
            network.set(Way::Pass);
        }
        sleep(ROUND / 2).await;
        let counts = crowd.counts();
        trial.say(format_args!(
            "round {round}: {} sockets opened, {} messages seen so far",
            counts.connects.load(Relaxed),
            counts.received.load(Relaxed)
        ));
    }
    let connects = crowd.counts().connects.load(Relaxed);
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new().with("cuts of all clients", trial.rounds).with("sockets", connects).checked(&checked))
}

fn plan(length: Length) -> CrowdPlan {
    let plan = CrowdPlan {
        rooms: 4,
        writers: 1,
        readers: 24,
        window: 4,
        pace: Duration::from_millis(50),
        patience: Duration::from_millis(1_050),
        ..CrowdPlan::default()
    };
    match length {
        Length::Short => plan,
        Length::Long => CrowdPlan { rooms: 20, readers: 49, pace: Duration::from_millis(200), ..plan },
    }
}
