//! Row 15: every part is replaced under load, one after the other, as a rolling deploy does it.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    options::Length,
    outcome::{Outcome, Tally, check},
    row::Row,
    stage::{Crowd, CrowdPlan, Deployment, Scene, bridges},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 15,
    name: "deploy",
    must_hold: "sockets close with 1012, nothing fails after a retry, each part is gone in its window with exit code 0",
    control: "parts are killed instead of asked to stop",
    short: 1,
    long: 5,
    is_alone: true,
    run: |trial| Box::pin(run(trial)),
};

/// What every part may take beside the window: it says that it is not ready, finishes calls, closes stores. One that takes longer
/// ends with exit code 1.
const BESIDE: Duration = Duration::from_secs(8);
/// How long clients may take to be served again.
const BACK: Duration = Duration::from_secs(20);
/// What a server that restarts says (RFC 6455 §7.4, IANA's registry).
const RESTARTS: Option<u16> = Some(1012);

async fn run(trial: &mut Trial) -> Outcome {
    let (data, ledger) = (trial.place("data")?, trial.ledger("ledger")?);
    let window = Duration::from_secs(if trial.length == Length::Long { 10 } else { 2 });
    let mut deployment = Deployment::split(trial.home(), &data);
    deployment.set("bridge.drain", format!("{}s", window.as_secs()));
    deployment.set("stop.timeout", format!("{}s", (window + BESIDE).as_secs()));
    deployment.up().await?;
    let other = bridges::add(&mut deployment, "bridge-2").await?;
    let scene = Scene::new(&deployment)?;
    let doors = [deployment.at.bridge, other];
    let crowd = Crowd::start(&scene, plan(trial.length), &doors, &ledger).await?;
    let parts = ["bridge", "chat", "bridge-2", "notification", "presence"];
    let mut longest = Duration::ZERO;
    for round in 1..=trial.rounds {
        for part in parts {
            let begun = Instant::now();
            if trial.control {
                deployment.kill(part);
            } else {
                deployment.signal(part, Signal::TERM)?;
                let status = deployment.exit(part).await?;
                check!(status.success(), "{part} ended with {status}: {}", deployment.tail(part));
            }
            let took = begun.elapsed();
            longest = longest.max(took);
            deployment.up().await?;
            bridges::is_ready(other).await?;
            crowd.acknowledges(20, BACK).await?;
            trial.say(format_args!(
                "round {round}: {part} was replaced, gone after {:.1} s; {} sockets so far",
                took.as_secs_f32(),
                crowd.counts().connects.load(Relaxed)
            ));
        }
    }
    let closes = crowd.counts().closes.lock().expect("no poison").clone();
    let slowest = Duration::from_micros(crowd.counts().slowest.load(Relaxed));
    let checked = crowd.finish(&scene).await?;
    let other: Vec<_> = closes.iter().filter(|(code, _)| **code != RESTARTS).collect();
    check!(other.is_empty(), "sockets were closed otherwise than with 1012: {other:?}");
    Ok(Tally::new()
        .with("parts replaced", trial.rounds as usize * parts.len())
        .with("sockets closed with 1012", closes.get(&RESTARTS).copied().unwrap_or_default())
        .with("ms until a part was gone, at most", longest.as_millis())
        .with("ms that a message waited for its answer, with retries, at most", slowest.as_millis())
        .checked(&checked))
}

fn plan(length: Length) -> CrowdPlan {
    let rooms = if length == Length::Long { 100 } else { 6 };
    CrowdPlan {
        rooms,
        writers: 1,
        readers: 49,
        pace: Duration::from_millis(if length == Length::Long { 1_000 } else { 100 }),
        patience: Duration::from_secs(30),
        glance: Duration::from_millis(200),
        ..CrowdPlan::default()
    }
}
