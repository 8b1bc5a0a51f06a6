//! Row 8: clients come back with event ids that are no longer good, or never were.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio::time::Instant;

use crate::{
    outcome::{Failure, Outcome, Tally, broken, check},
    row::Row,
    stage::{
        Deployment, Part, Scene, database,
        deployment::UP,
        places::{self, ALICE, BOB, Place},
        socket::{Came, Socket},
        until,
    },
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 8,
    name: "bad-cursor",
    must_hold: "`history_lost` in every dialect, then what is live; never silence, never another's data",
    control: "the event ids are good ones",
    short: 1,
    long: 20,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How soon a client must be told.
const TOLD: Duration = Duration::from_secs(5);
/// How long events can be resumed from.
const RETAIN: Duration = Duration::from_secs(600);
/// In what only Bob may see.
const SECRET: &str = "only-for-bob";

/// Event ids of one place.
struct Ids {
    place: Place,
    /// Alice's, before something that is not kept any more.
    old: String,
    /// Alice's, before something that is.
    good: String,
    /// Bob's.
    foreign: String,
}

async fn run(trial: &mut Trial) -> Outcome {
    let data = trial.place("data")?;
    let mut deployment = Deployment::single(trial.home(), &data);
    // Nothing happens but what is made to happen.
    deployment.set("notification.on_message", "never");
    deployment.up().await?;
    let scene = Scene::new(&deployment)?;
    places::furnish(&scene).await?;
    let mut all = Vec::new();
    for place in places::ALL {
        let old = event_id(&deployment, &scene, place, ALICE, "first").await?;
        let foreign = event_id(&deployment, &scene, place, BOB, SECRET).await?;
        place.happens(&scene, ALICE, "not-kept").await?;
        place.happens(&scene, BOB, SECRET).await?;
        all.push(Ids { place, old, good: String::new(), foreign });
    }
    forget(&mut deployment, &scene, &all).await?;
    for ids in &mut all {
        ids.good = event_id(&deployment, &scene, ids.place, ALICE, "second").await?;
        ids.place.happens(&scene, ALICE, "missed").await?;
    }
    let (mut tried, mut number) = (0, 0);
    for round in 1..=trial.rounds {
        for ids in &all {
            let mut cases = cases(ids);
            if trial.control {
                cases.iter_mut().for_each(|(_, since)| ids.good.clone_into(since));
            }
            for (what, since) in cases {
                number += 1;
                let live = format!("live-{number}");
                lost(&deployment, &scene, ids.place, &since, &live)
                    .await
                    .map_err(|failure| named(failure, &format!("{}, {what} event id", ids.place.name)))?;
                tried += 1;
            }
        }
        trial.say(format_args!("round {round}: {tried} bad event ids were told so"));
    }
    let goods = all.len();
    for Ids { place, good, .. } in all {
        let mut socket = Socket::open(deployment.at.bridge, &place.path(&scene, ALICE, &good)?).await?;
        let missed = hears(&mut socket, |frame| frame.contains("missed")).await?;
        check!(missed.is_some(), "{}: a good event id was not resumed from", place.name);
    }
    Ok(Tally::new()
        .with("places in five dialects", goods)
        .with("bad event ids", tried)
        .with("of them in silence", 0))
}

/// Alice comes with an event id, is told that it is no good before anything that has happened, and then goes on live.
async fn lost(
    deployment: &Deployment,
    scene: &Scene,
    place: Place,
    since: &str,
    live: &str,
) -> Result<(), Failure> {
    let mut socket = Socket::open(deployment.at.bridge, &place.path(scene, ALICE, since)?).await?;
    let told =
        hears(&mut socket, |frame| frame.contains("history_lost") || frame.contains("\"event_id\"")).await?;
    let Some(told) = told else { broken!("silence") };
    let frame = serde_json::from_str(&told).map_err(anyhow::Error::from)?;
    check!(places::says_lost(&frame), "instead of history_lost came {told}");
    place.happens(scene, ALICE, live).await?;
    let next = hears(&mut socket, |frame| frame.contains("\"event_id\"")).await?;
    check!(
        next.as_ref().is_some_and(|next| next.contains(live)),
        "after history_lost came {next:?} and not {live}"
    );
    Ok(())
}

/// The next frame that is wanted; none when it does not come in time. Nothing of Bob's may come before it.
async fn hears(socket: &mut Socket, is_wanted: impl Fn(&str) -> bool) -> Result<Option<String>, Failure> {
    let until = Instant::now() + TOLD;
    while let Came::Frame(frame) = socket.next(until.saturating_duration_since(Instant::now())).await? {
        let frame = frame.to_string();
        check!(!frame.contains(SECRET), "Alice was shown {frame}");
        if is_wanted(&frame) {
            return Ok(Some(frame));
        }
    }
    Ok(None)
}

/// What is wrong, and the event id that is.
fn cases(ids: &Ids) -> Vec<(&'static str, String)> {
    let Ids { old, good, foreign, .. } = ids;
    let mut changed = good.clone();
    let last = if good.ends_with('A') { "B" } else { "A" };
    changed.replace_range(good.len() - 1.., last);
    vec![
        ("a short", "abc".into()),
        ("a long", "A".repeat(3_000)),
        ("a cut", good[..good.len() / 2].into()),
        ("a changed", changed),
        ("a foreign", foreign.clone()),
        ("a future", later(good, 1_000_000)),
        ("a far future", later(good, u64::MAX / 2)),
        ("a too old", old.clone()),
    ]
}

/// An event id that somebody made who knows how they are made: every position in it so much later.
fn later(good: &str, by: u64) -> String {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(good).unwrap_or_default();
    let (version, mut rest) = (bytes[0], &bytes[5..]);
    let mut body = Vec::new();
    while let Some((topic, after)) = rest.split_at_checked(8) {
        let length = after.iter().position(|byte| byte & 0x80 == 0).map_or(after.len(), |last| last + 1);
        let (digits, after) = after.split_at(length);
        let mut sequence = digits.iter().rev().fold(0, |all, byte| all << 7 | u64::from(byte & 0x7f)) + by;
        body.extend_from_slice(topic);
        while sequence >= 0x80 {
            body.push(sequence as u8 | 0x80);
            sequence >>= 7;
        }
        body.push(sequence as u8);
        rest = after;
    }
    let mut made = vec![version];
    made.extend_from_slice(&checksum(&body));
    made.append(&mut body);
    BASE64_URL_SAFE_NO_PAD.encode(made)
}

/// FNV-1a with 64 bits, folded to 32.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    ((hash >> 32) as u32 ^ hash as u32).to_be_bytes()
}

/// The id of something that happens to a user in a place.
async fn event_id(
    deployment: &Deployment,
    scene: &Scene,
    place: Place,
    user: &str,
    text: &str,
) -> Result<String, Failure> {
    let mut socket = Socket::open(deployment.at.bridge, &place.path(scene, user, "")?).await?;
    place.happens(scene, user, text).await?;
    let until = Instant::now() + TOLD;
    while let Came::Frame(frame) = socket.next(until.saturating_duration_since(Instant::now())).await? {
        if let Some(id) = frame["event_id"].as_str() {
            return Ok(id.to_owned());
        }
    }
    broken!("{}: nothing came of what happened", place.name)
}

/// Has it start again with a log that begins now.
async fn forget(deployment: &mut Deployment, scene: &Scene, all: &[Ids]) -> Result<(), Failure> {
    deployment.kill(UP);
    let retain = format!("{}s", RETAIN.as_secs());
    for database in database::all(deployment.data()) {
        database::age(&database, RETAIN)?;
    }
    let part =
        Part::new(UP, UP).set("services.chat.retain", &retain).set("services.notification.retain", &retain);
    deployment.plan(part);
    deployment.up().await?;
    for Ids { place, .. } in all {
        until("old events are gone", TOLD, async || place.is_trimmed(scene, ALICE).await).await?;
    }
    Ok(())
}

fn named(failure: Failure, name: &str) -> Failure {
    match failure {
        Failure::Broken(what) => Failure::Broken(format!("{name}: {what}")),
        Failure::Harness(error) => Failure::Harness(error.context(name.to_owned())),
        Failure::LeftOut(why) => Failure::LeftOut(why),
    }
}
