//! Row 9: a message is sent a hundred times at once, under one key, through two bridges, while one of the parts dies: over one
//! chat, and over two on PostgreSQL.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use rand::Rng;
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet, time::sleep};

use crate::{
    ledger::Pen,
    options::Length,
    outcome::{Failure, Outcome, Tally, broken, check},
    row::Row,
    stage::{
        Crowd, CrowdPlan, Deployment, Scene, bridges,
        fleet::Fleet,
        socket::{Came, Socket},
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 9,
    name: "duplicate-send",
    must_hold: "one message, one id, the same answer to all",
    control: "everybody has a key of their own",
    short: 4,
    long: 100,
    is_alone: false,
    run: |trial| Box::pin(over_one_chat(trial)),
};

pub(crate) const REPLICAS: Row = Row {
    name: "duplicate-replicas",
    must_hold: "one message, one id, the same answer to all, of two chats",
    run: |trial| Box::pin(over_two_chats(trial)),
    ..ROW
};

/// How often the message is sent at once.
const RACERS: usize = 100;
/// How long all may take to have their answer.
const ANSWERED: Duration = Duration::from_secs(30);
/// How long one waits for an answer before it sends again.
const PATIENCE: Duration = Duration::from_secs(3);
/// The latest that something dies after the start, in milliseconds.
const LATEST: u64 = 60;
/// What dies, in turn: nothing, and something else each time.
const OF_SPLIT: [Option<&str>; 4] = [None, Some("chat"), Some("bridge"), Some("bridge-2")];
const OF_FLEET: [Option<&str>; 4] = [None, Some("chat"), Some("chat-2"), Some("bridge")];

/// One who sends.
struct Racer {
    door: SocketAddr,
    path: String,
    /// The text, which is what the ledger calls the message.
    text: String,
    /// What makes it the same message.
    key: String,
    go: Arc<Barrier>,
}

async fn over_one_chat(trial: &mut Trial) -> Outcome {
    let mut deployment = Deployment::split(trial.home(), &trial.place("data")?);
    deployment.up().await?;
    let other = bridges::add(&mut deployment, "bridge-2").await?;
    let doors = [deployment.at.bridge, other];
    run(trial, &mut deployment, doors, OF_SPLIT).await
}

async fn over_two_chats(trial: &mut Trial) -> Outcome {
    let Some(mut fleet) = Fleet::plan(trial.home(), &trial.place("data")?) else {
        return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
    };
    fleet.up().await?;
    let doors = fleet.doors;
    run(trial, &mut fleet.deployment, doors, OF_FLEET).await
}

async fn run(
    trial: &mut Trial,
    deployment: &mut Deployment,
    doors: [SocketAddr; 2],
    victims: [Option<&'static str>; 4],
) -> Outcome {
    let ledger = trial.ledger("ledger")?;
    let scene = Scene::new(deployment)?;
    let plan =
        CrowdPlan { rooms: 1, writers: 0, readers: 4, settling: settling(trial), ..CrowdPlan::default() };
    let crowd = Crowd::start(&scene, plan, &doors, &ledger).await?;
    let mut pen = ledger.pen("racers")?;
    let mut answers = 0;
    for round in 1..=trial.rounds {
        let room = &crowd.rooms()[0];
        let text = format!("race-{round}");
        let path = format!("/ws/group/{room}/?since=&token={}", scene.token(&format!("{room}-0"))?);
        pen.attempt(room, &text)?;
        let go = Arc::new(Barrier::new(RACERS + 1));
        let mut racers = JoinSet::new();
        for (number, door) in doors.iter().cycle().take(RACERS).enumerate() {
            let key = if trial.control { format!("{text}-{number}") } else { text.clone() };
            let (path, text, go) = (path.clone(), text.clone(), Arc::clone(&go));
            racers.spawn(Racer { door: *door, path, text, key, go }.race());
        }
        go.wait().await;
        let victim = victims[round as usize % victims.len()];
        if let Some(victim) = victim {
            sleep(Duration::from_millis(trial.chance.random_range(0..LATEST))).await;
            deployment.kill(victim);
            deployment.up().await?;
            bridges::is_ready(doors[1]).await?;
        }
        let ids = finish(racers, &mut answers).await?;
        note(&mut pen, room, &text, &ids)?;
        check!(ids.len() == 1, "round {round}: {RACERS} were answered with {} ids: {ids:?}", ids.len());
        let died = victim.unwrap_or("nothing");
        trial.say(format_args!("round {round}: {died} died, {RACERS} were answered with one id"));
    }
    let checked = crowd.finish(&scene).await?;
    Ok(Tally::new().with("races of 100", trial.rounds).with("answers", answers).checked(&checked))
}

fn note(pen: &mut Pen, room: &str, text: &str, ids: &BTreeSet<u64>) -> anyhow::Result<()> {
    ids.iter().try_for_each(|id| pen.acknowledged(room, text, *id))
}

/// All ids that anybody was answered with.
async fn finish(
    mut racers: JoinSet<anyhow::Result<Vec<u64>>>,
    answers: &mut usize,
) -> Result<BTreeSet<u64>, Failure> {
    let mut ids = BTreeSet::new();
    while let Some(ended) = racers.join_next().await {
        match ended.map_err(anyhow::Error::from)? {
            Ok(told) => {
                *answers += told.len();
                ids.extend(told);
            }
            Err(error) => broken!("{error:#}"),
        }
    }
    Ok(ids)
}

fn settling(trial: &Trial) -> Duration {
    Duration::from_secs(if trial.control && trial.length == Length::Short { 1 } else { 30 })
}

impl Racer {
    /// Sends together with all others, and again until it has had an answer of its own: the one whose message is stored first
    /// has none but what everybody is shown, and sends it once more.
    async fn race(self) -> anyhow::Result<Vec<u64>> {
        let (until, mut ids, mut started) = (Instant::now() + ANSWERED, Vec::new(), false);
        while Instant::now() < until {
            let Ok(mut socket) = Socket::open(self.door, &self.path).await else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            if !started {
                self.go.wait().await;
                started = true;
            }
            if self.attempt(&mut socket, &mut ids).await.unwrap_or_default() {
                return Ok(ids);
            }
        }
        bail!("{} was not answered within {ANSWERED:?}", self.key)
    }

    /// On one socket, to its end; whether there was an answer.
    async fn attempt(&self, socket: &mut Socket, ids: &mut Vec<u64>) -> anyhow::Result<bool> {
        let frame = json!({"type": "message", "content": self.text, "client_message_id": self.key});
        socket.send(&frame).await?;
        loop {
            match socket.next(PATIENCE).await? {
                Came::Frame(came) if came["type"] == "error" => {
                    sleep(Duration::from_millis(20)).await;
                    socket.send(&frame).await?;
                }
                Came::Frame(came) if came["message"]["client_message_id"] == self.key.as_str() => {
                    ids.extend(id(&came));
                    if came["event_id"].is_null() {
                        return Ok(true);
                    }
                    socket.send(&frame).await?;
                }
                Came::Frame(_) => {}
                Came::Gone(_) | Came::Nothing => return Ok(false),
            }
        }
    }
}

fn id(frame: &Value) -> Option<u64> {
    frame["message"]["id"].as_str()?.parse().ok()
}
