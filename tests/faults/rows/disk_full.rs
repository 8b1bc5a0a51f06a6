//! Row 4: the disk is full, for longer than anybody's patience. Who sends hears so, who reads goes on, and when there is room
//! again everything is as before.

use std::{fs::File, io::Write, path::Path, sync::atomic::Ordering::Relaxed, time::Duration};

use anyhow::Context;
use serde_json::json;

use crate::{
    ledger::Stored,
    options::Length,
    outcome::{Failure, Outcome, Tally, broken, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Scene,
        deployment::UP,
        disk::Disk,
        socket::{Came, Socket},
        until,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 4,
    name: "disk-full",
    must_hold: "unavailable, no acknowledgement, no crash; reading and presence go on; writes again within 5 s of room",
    control: "the disk is not filled",
    short: 1,
    long: 20,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// Of the tmpfs, in KiB, and of the disk with a file system, in MiB.
const SMALL: (u64, u64) = (256 << 10, 256);
/// How long it stays full, in a short run and in a long one.
const FULL: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(20));
/// How soon writes must work again.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon writers must hear of it.
const TOLD: Duration = Duration::from_secs(5);
/// How long the last of what was under way may take.
const BACK: Duration = Duration::from_secs(20);
/// What fills the disk.
const BALLAST: &str = "ballast";

async fn run(trial: &mut Trial) -> Outcome {
    let mut tally = Tally::new().with("full disks", trial.rounds);
    let mut slowest = Duration::ZERO;
    for round in 1..=trial.rounds {
        let disk = match round % 2 {
            1 => Disk::small(trial.home(), &format!("disk-{round}"), SMALL.0)?,
            _ => Disk::make(trial.home(), &format!("disk-{round}"), SMALL.1)?,
        };
        let ledger = trial.ledger(&format!("ledger-{round}"))?;
        // By turns, all go on trying, or all give up, and then nothing but Causeway itself finds out that there is room again.
        let quiet = round % 2 == 1;
        let plan = CrowdPlan { window: 1, retry: !quiet, ..CrowdPlan::default() };
        let mut deployment = Deployment::single(trial.home(), &disk.place.join("data"));
        deployment.up().await?;
        let scene = Scene::new(&deployment)?;
        let crowd = Crowd::start(&scene, plan, &[deployment.at.bridge], &ledger).await?;
        if !trial.control {
            fill(&disk.place)?;
        }
        refuses(&crowd).await?;
        if quiet {
            crowd.pause_writing();
        }
        let long = if trial.length == Length::Long { FULL.1 } else { FULL.0 };
        goes_on(&mut deployment, &scene, &crowd, long).await?;
        empty(&disk.place)?;
        crowd.resume_writing();
        let took = match crowd.acknowledges(1, AGAIN).await {
            Ok(took) => took,
            Err(error) => broken!("with room again, nothing is written: {error:#}; {}", deployment.tail(UP)),
        };
        slowest = slowest.max(took);
        let checked = crowd.finish(&scene).await?;
        trial.say(format_args!("round {round}: full for {long:?}, written again after {took:?}"));
        deployment.kill_all();
        tally = tally.checked(&checked);
    }
    Ok(tally.with("ms to write again at most", slowest.as_millis()))
}

/// Writes a file until nothing fits any more.
fn fill(disk: &Path) -> anyhow::Result<()> {
    let mut ballast = File::create(disk.join(BALLAST))?;
    let mut piece = vec![b'x'; 8 << 20];
    while piece.len() >= 512 {
        if ballast.write_all(&piece).and_then(|()| ballast.sync_data()).is_err() {
            piece.truncate(piece.len() / 2);
        }
    }
    Ok(())
}

/// Makes room again.
fn empty(disk: &Path) -> std::io::Result<()> {
    File::create(disk.join(BALLAST)).map(drop)
}

/// Writers are told, and nothing is acknowledged any more.
async fn refuses(crowd: &Crowd) -> Result<(), Failure> {
    let counts = crowd.counts();
    let refused = until("a message is refused", TOLD, async || Ok(counts.refused.load(Relaxed) > 0)).await;
    if let Err(error) = refused {
        broken!("on a full disk, {error}");
    }
    // The database may still have a free page here and there.
    let quiet = until("nothing is acknowledged", BACK, async || {
        let before = counts.acknowledged.load(Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(before == counts.acknowledged.load(Relaxed))
    });
    quiet.await.map(drop).map_err(|error| Failure::Broken(format!("{error:#}")))
}

/// For as long as the disk is full, the process lives, is read from, and shows who is there.
async fn goes_on(
    deployment: &mut Deployment,
    scene: &Scene,
    crowd: &Crowd,
    long: Duration,
) -> Result<(), Failure> {
    let started = tokio::time::Instant::now();
    let (acknowledged, door) = (crowd.counts().acknowledged.load(Relaxed), deployment.at.bridge);
    let room = crowd.rooms().first().context("a crowd has a room")?;
    while started.elapsed() < long {
        check!(
            deployment.runs(UP),
            "it stopped on a full disk after {:?}: {}",
            started.elapsed(),
            deployment.tail(UP)
        );
        if let Err(error) = Stored::read(&scene.grpc, crowd.rooms()).await {
            broken!("on a full disk nothing can be read: {error:#}");
        }
        let path = format!("/ws/group/{room}/?token={}", scene.token(&format!("{room}-0"))?);
        if let Err(error) = shows_presence(door, &path).await {
            broken!("on a full disk, after {:?}: {error:#}: {}", started.elapsed(), deployment.tail(UP));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let after = crowd.counts().acknowledged.load(Relaxed) - acknowledged;
    check!(after == 0, "{after} messages were acknowledged on a full disk");
    Ok(())
}

/// Who opens a socket is shown who is there, and history.
async fn shows_presence(door: std::net::SocketAddr, path: &str) -> anyhow::Result<()> {
    let mut socket = Socket::open(door, path).await.context("no socket can be opened")?;
    socket.send(&json!({"type": "history", "limit": 1})).await?;
    let (mut presence, mut history) = (false, false);
    while !(presence && history) {
        match socket.next(Duration::from_secs(3)).await? {
            Came::Frame(frame) if frame["type"] == "presence" => presence = true,
            Came::Frame(frame) if frame["type"] == "history" => history = true,
            Came::Frame(_) => {}
            Came::Gone(code) => anyhow::bail!("the socket is closed ({code:?})"),
            Came::Nothing => anyhow::bail!("no presence ({presence}) or no history ({history}) comes"),
        }
    }
    Ok(())
}
