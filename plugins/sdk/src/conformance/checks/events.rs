//! Events and their outcomes. Agents are made to answer; of other plugins whatever comes is taken.

use std::time::Duration;

use causeway_proto::plugin::PluginKind;
use tokio::time::Instant;

use crate::conformance::stage::{Held, Stage, Step, failed, skipped};

/// How long something that should not come is waited for.
const SILENCE: Duration = Duration::from_millis(700);
/// How long outcomes are held back by a host that is slow.
const SLOW: Duration = Duration::from_millis(1_500);
/// After how long an event is asked for again.
const LATER: Duration = Duration::from_millis(1_000);
/// By how much two clocks may differ over that time.
const TOLERANCE: Duration = Duration::from_millis(50);

const OUTCOMES: Held = Held { outcomes: true, records: false, credit: false };

pub(super) async fn within_credit(stage: &mut Stage) -> Step<()> {
    stage.attached_anew(1).await?;
    stage.hold(Held { credit: true, ..Held::default() });
    stage.provoke_by(3, 1).await?;
    // More than one is for the rules to judge, too.
    if stage.event(SILENCE).await?.is_some() {
        return failed("a second event came, though there was credit for one");
    }
    let is_agent = stage.kind() == PluginKind::Agent;
    stage.grant(2).await;
    if is_agent && stage.event(stage.timeout()).await?.is_none() {
        return failed(format!("no event came within {:?} of more credit", stage.timeout()));
    }
    Ok(())
}

pub(super) async fn after_a_cut(stage: &mut Stage) -> Step<()> {
    stage.attached_anew(64).await?;
    stage.hold(OUTCOMES);
    let events = stage.provoke(2).await?;
    let (first, rest) = events.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    // With two events the first is settled, and must not come again; one alone must.
    if let (Some(first), false) = (first, rest.is_empty()) {
        stage.accept(first.sequence).await;
    }
    let owed: Vec<_> = if rest.is_empty() { events.clone() } else { rest.to_vec() };
    stage.attached_anew(64).await?;
    for event in owed {
        let Some(again) = stage.event(stage.timeout()).await? else {
            return failed(format!("event {} did not come again", event.sequence));
        };
        if (again.sequence, &again.provider_id) != (event.sequence, &event.provider_id) {
            return failed(format!("in place of event {} came event {}", event.sequence, again.sequence));
        }
    }
    Ok(())
}

pub(super) async fn retry_after(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    stage.hold(OUTCOMES);
    let events = stage.provoke(1).await?;
    let Some(event) = events.first() else { return skipped("no event came") };
    let start = Instant::now();
    stage.ask_again(event.sequence, u32::try_from(LATER.as_millis()).unwrap_or(0)).await;
    loop {
        let Some(again) = stage.event(LATER + stage.timeout()).await? else {
            return failed(format!("event {} did not come again", event.sequence));
        };
        // Others may come meanwhile.
        if again.sequence != event.sequence {
            continue;
        }
        let after = start.elapsed();
        if after + TOLERANCE < LATER {
            return failed(format!("event {} came again after {after:?}, and not {LATER:?}", event.sequence));
        }
        return Ok(());
    }
}

pub(super) async fn slow_host(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    stage.hold(OUTCOMES);
    stage.provoke(1).await?;
    // Repetitions are for the rules to judge.
    stage.listen(SLOW).await?;
    if stage.kind() == PluginKind::Agent {
        stage.provoke(1).await?;
    }
    Ok(())
}

pub(super) async fn out_of_order(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    stage.hold(OUTCOMES);
    let events = stage.provoke(3).await?;
    if events.len() < 2 {
        return skipped("there was one event alone");
    }
    for event in events.iter().rev() {
        stage.accept(event.sequence).await;
    }
    stage.behave().await;
    stage.listen(SILENCE).await?;
    if stage.kind() == PluginKind::Agent {
        stage.provoke(1).await?;
    }
    Ok(())
}
