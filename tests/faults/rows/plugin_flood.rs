//! Row 14, the flood: one plugin has ten thousand events a second, while others write in rooms and are timed.

use std::time::Duration;

use crate::{
    outcome::{Outcome, Tally, check},
    row::Row,
    stage::{
        Deployment, Scene,
        flood::Flood,
        heavy::Heavy,
        probe::{Probe, percentile},
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 14,
    name: "plugin-flood",
    must_hold: "no event is refused, and others write nearly as fast as without the flood",
    control: "the flood comes from a backend, which gets large batches however many others write",
    short: 2,
    long: 20,
    is_alone: true,
    run: |trial| Box::pin(run(trial)),
};

/// Events that the plugin has, each second.
const PER_SECOND: u32 = 10_000;
/// The time of one round without and one with the flood.
const WINDOW: Duration = Duration::from_millis(2_500);
/// How many times as long as without the flood half of the messages may take, at most. (Of the slowest one in a hundred this
/// says how much slower they got: on a machine with as many processors as the flood keeps busy that is a matter of the scheduler.)
const HALF: u32 = 4;

async fn run(trial: &mut Trial) -> Outcome {
    let mut deployment = Deployment::single(trial.home(), &trial.place("data")?);
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let mut probe = Probe::start(&scene, deployment.at.bridge, 10, Duration::from_millis(20)).await?;
    let flood = Flood::attach(&scene, PER_SECOND).await?;
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    let mut taken = 0;
    for round in 1..=trial.rounds {
        let mut before = probe.measure(WINDOW).await?;
        let accepted = flood.accepted();
        let heavy = if trial.control { Some(Heavy::begin(&scene).await?) } else { None };
        flood.flows(!trial.control);
        let mut during = probe.measure(WINDOW).await?;
        flood.flows(false);
        drop(heavy);
        taken += flood.accepted() - accepted;
        trial.say(format_args!(
            "round {round}: p50 {:?}, p99 {:?}; in the flood of {} events p50 {:?}, p99 {:?}",
            percentile(&mut before, 500),
            percentile(&mut before, 990),
            flood.accepted() - accepted,
            percentile(&mut during, 500),
            percentile(&mut during, 990),
        ));
        quiet.append(&mut before);
        loud.append(&mut during);
    }
    let failed = flood.failed();
    flood.end().await;
    let per_second =
        f64::from(u32::try_from(taken).unwrap_or(u32::MAX)) / (WINDOW * trial.rounds).as_secs_f64();
    let half = [&mut quiet, &mut loud].map(|times| percentile(times, 500));
    let most = [&mut quiet, &mut loud].map(|times| percentile(times, 990));
    check!(failed == 0, "{failed} events were refused");
    check!(
        half[1] <= half[0] * HALF,
        "half of the messages took {:?}, and {:?} in the flood",
        half[0],
        half[1]
    );
    Ok(Tally::new()
        .with("events/s taken", per_second.round())
        .with("µs for half of the others' messages without the flood", half[0].as_micros())
        .with("with it", half[1].as_micros())
        .with("µs p99 without", most[0].as_micros())
        .with("with it", most[1].as_micros()))
}
