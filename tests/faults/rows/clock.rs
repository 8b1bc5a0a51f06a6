//! Row 16: the clock of a machine jumps, an hour forward and an hour back, while everything runs and between restarts.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use crate::{
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Part, Scene,
        deployment::UP,
        has,
        socket::{Came, Socket},
        system,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 16,
    name: "clock",
    must_hold: "the order stays as it is; tokens end at most a minute late",
    control: "tokens are good for five minutes longer than they say",
    short: 4,
    long: 60,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How wrong the clock is in turn, in seconds.
const JUMPS: [i64; 4] = [3_600, -3_600, 1_800, 0];
/// By how much a token may outlive its end, in seconds.
const LEEWAY: i64 = 60;
/// How soon clients are served again.
const BACK: Duration = Duration::from_secs(20);
/// How long a new socket is watched.
const LOOK: Duration = Duration::from_secs(1);

async fn run(trial: &mut Trial) -> Outcome {
    let Some(library) = library() else {
        return Err(Failure::LeftOut("libfaketime is not installed".into()));
    };
    let (data, ledger) = (trial.place("data")?, trial.ledger("ledger")?);
    let clock = trial.home().join("clock");
    turn(&clock, 0)?;
    let mut deployment = Deployment::single(trial.home(), &data);
    if trial.control {
        deployment.set("auth.leeway", "5m");
    }
    deployment.plan(Part::new(UP, UP).after(wrong(&library, &clock)));
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    let plan = CrowdPlan { pace: Duration::from_millis(5), ..CrowdPlan::default() };
    let crowd = Crowd::start(&scene, plan, &[deployment.at.bridge], &ledger).await?;
    let mut tokens = 0;
    for round in 1..=trial.rounds {
        let by = JUMPS[(round as usize - 1) % JUMPS.len()];
        turn(&clock, by)?;
        // Every other time it starts with a wrong clock, as well as living through the jump.
        if round % 2 == 0 {
            deployment.kill(UP);
            deployment.up().await?;
        }
        let back =
            crowd.acknowledges(50, BACK).await.map_err(|error| Failure::Broken(format!("{error:#}")))?;
        tokens += expiry(&scene, &deployment, &crowd.rooms()[0], by).await?;
        trial.say(format_args!(
            "round {round}: the clock is wrong by {by} s, served after {:.1} s, {} acknowledged so far",
            back.as_secs_f32(),
            crowd.counts().acknowledged.load(Relaxed)
        ));
    }
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new().with("jumps", trial.rounds).with("tokens tried", tokens).checked(&checked))
}

/// Tokens that end at times around now, as the server has it, are taken or not as they should be; how many were tried.
async fn expiry(scene: &Scene, deployment: &Deployment, room: &str, wrong_by: i64) -> Result<usize, Failure> {
    let ends = [(-3 * LEEWAY, false), (-LEEWAY - 1, false), (LEEWAY, true), (1_000, true)];
    for (seconds, is_good) in ends {
        let token = scene.token_until(&format!("{room}-1"), wrong_by + seconds)?;
        let socket =
            Socket::open(deployment.at.bridge, &format!("/ws/group/{room}/?since=&token={token}")).await;
        let is_taken = match socket {
            Ok(mut socket) => !matches!(socket.next(LOOK).await?, Came::Gone(_)),
            Err(_) => false,
        };
        let what = if is_taken { "is taken" } else { "is refused" };
        check!(
            is_taken == is_good,
            "under a clock that is wrong by {wrong_by} s, a token that ends in {seconds} s {what}"
        );
    }
    Ok(ends.len())
}

/// What a process is started by whose clock says what stands in a file, and goes on to say it when that changes. Only the time of
/// day: how long something takes is measured by a clock that never jumps.
fn wrong(library: &Path, clock: &Path) -> Vec<String> {
    vec![
        "env".into(),
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", clock.display()),
        "FAKETIME_NO_CACHE=1".into(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
    ]
}

/// Sets the clock.
fn turn(clock: &Path, by: i64) -> anyhow::Result<()> {
    let beside = clock.with_extension("new");
    fs::write(&beside, format!("{by:+}\n"))?;
    Ok(fs::rename(beside, clock)?)
}

/// libfaketime for programs with many threads, if Debian has put it there.
fn library() -> Option<PathBuf> {
    let machine = system("uname", &["-m"]).ok()?;
    let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", machine.trim());
    Some(PathBuf::from(library)).filter(|library| library.exists() && has("env"))
}
