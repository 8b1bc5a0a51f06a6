//! Row 10: many write in one conversation at once, through two bridges and two chats, and many read.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use crate::{
    ledger::{Pen, Stored, check},
    options::Length,
    outcome::{Failure, Outcome, Tally, check},
    row::Row,
    stage::{Crowd, CrowdPlan, Scene, replicas::Replicas},
    trial::Trial,
};

pub(crate) const ROW: Row = Row {
    number: 10,
    name: "order",
    must_hold: "1 to n without a gap, identical for everybody",
    control: "a reader's neighbouring messages are exchanged",
    short: 1,
    long: 3,
    is_alone: false,
    run: |trial| Box::pin(run(trial)),
};

/// How long everything may take to be written.
const WRITTEN: Duration = Duration::from_secs(600);

async fn run(trial: &mut Trial) -> Outcome {
    let mut tally = Tally::new();
    for round in 1..=trial.rounds {
        let data = trial.place(&format!("data-{round}"))?;
        let Some(Replicas { deployment, doors, postgres: _postgres, redis: _redis }) =
            Replicas::start(trial.home(), &data).await?
        else {
            return Err(Failure::LeftOut("PostgreSQL or Redis is not installed".into()));
        };
        let ledger = trial.ledger(&format!("ledger-{round}"))?;
        let scene = Scene::new(&deployment)?;
        let plan = plan(trial.length);
        let messages = plan.most * plan.writers as u64;
        let crowd = Crowd::start(&scene, plan, &doors, &ledger).await?;
        let left = messages - crowd.counts().acknowledged.load(Relaxed);
        let took = crowd.acknowledges(left, WRITTEN).await?;
        let rooms = crowd.rooms().to_owned();
        let checked = crowd.finish(&scene).await?;
        check!(
            checked.stored as u64 == messages,
            "{messages} messages were sent and acknowledged, {} are stored",
            checked.stored
        );
        if trial.control {
            exchange(
                &mut ledger.pen("reader-of-old")?,
                &rooms[0],
                &Stored::read(&scene.grpc, &rooms).await?,
            )?;
            check(&ledger.read()?, &Stored::read(&scene.grpc, &rooms).await?)?;
        }
        trial.say(format_args!(
            "round {round}: {messages} messages written in {:.1} s, {} seen by {} clients",
            took.as_secs_f32(),
            checked.received,
            checked.clients
        ));
        tally = tally.checked(&checked);
    }
    Ok(tally)
}

/// Writes down what a reader would have seen whose second message came before its first.
fn exchange(pen: &mut Pen, room: &str, stored: &Stored) -> anyhow::Result<()> {
    pen.from(room, 0)?;
    let mut messages = stored.0[room].messages.clone();
    messages.swap(0, 1);
    messages.iter().try_for_each(|message| pen.received(room, &message.key, message.id))
}

fn plan(length: Length) -> CrowdPlan {
    let (writers, readers, most) = match length {
        Length::Short => (16, 25, 50),
        Length::Long => (64, 100, 1_000),
    };
    CrowdPlan { rooms: 1, writers, readers, most, patience: Duration::from_secs(60), ..CrowdPlan::default() }
}
