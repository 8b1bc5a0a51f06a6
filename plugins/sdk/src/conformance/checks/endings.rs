//! How streams end, and what comes after.

use std::time::Duration;

use tokio::time::Instant;

use super::first::takes_deliveries;
use crate::conformance::stage::{Stage, Step, failed, skipped};

/// When a plugin is asked to come back.
const LATER: Duration = Duration::from_millis(1_000);
/// By how much two clocks may differ over that time.
const TOLERANCE: Duration = Duration::from_millis(50);
/// How long a plugin is given to finish.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) async fn cut(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    let before = stage.instance();
    stage.attached_anew(64).await?;
    if stage.instance() != before {
        return failed("it attached as another instance, though it was not started again");
    }
    Ok(())
}

pub(super) async fn unavailable(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    comes_back(stage).await
}

pub(super) async fn refused(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    stage.cut();
    stage.next_stream(stage.timeout()).await?;
    comes_back(stage).await
}

/// Refuses the plugin for a time, and waits for it.
async fn comes_back(stage: &mut Stage) -> Step<()> {
    let start = Instant::now();
    stage.refuse_for(LATER).await;
    stage.next_stream(LATER + stage.timeout()).await?;
    let after = start.elapsed();
    stage.welcome(64).await;
    if after + TOLERANCE < LATER {
        return failed(format!("it attached again after {after:?}, and was asked to wait for {LATER:?}"));
    }
    Ok(())
}

pub(super) async fn drain(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    let part = match takes_deliveries(stage) {
        Ok(()) => {
            let conversation = stage.conversation();
            Some(stage.deliver(&conversation).await?)
        }
        Err(_) => None,
    };
    stage.drain(DRAIN).await;
    stage.until_it_ends(DRAIN + stage.timeout()).await?;
    if let Some(part) = part
        && !stage.has_report(part)
    {
        return failed("it ended its side before it had reported the delivery that it had in hand");
    }
    stage.attached().await
}

pub(super) async fn kill(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    let before = stage.instance();
    if !stage.kill().await? {
        return skipped("the plugin was not started by the suite");
    }
    stage.next_stream(stage.starting()).await?;
    if stage.instance() == before {
        return failed("it attached with the instance id that it had before it was killed");
    }
    if !stage.holding().is_empty() {
        return failed("it says that it holds deliveries, though it was just started");
    }
    stage.welcome(64).await;
    Ok(())
}
