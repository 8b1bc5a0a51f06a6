//! Deliveries and their reports.

use std::time::Duration;

use super::first::takes_deliveries;
use crate::conformance::stage::{Held, Stage, Step, failed};

/// How long a report that should not come is waited for.
const SILENCE: Duration = Duration::from_millis(500);
/// Deliveries at once.
const MANY: usize = 4;
/// Deliveries one after the other: more than a plugin that gives credit once has given.
const ROW: usize = 70;

pub(super) async fn one(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    let conversation = stage.conversation();
    let part = stage.deliver(&conversation).await?;
    stage.report_of(part).await?;
    // A second report is for the rules to judge.
    stage.listen(SILENCE).await
}

pub(super) async fn side_by_side(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    let parts = stage.deliver_many(MANY).await?;
    for part in parts {
        stage.report_of(part).await?;
    }
    Ok(())
}

pub(super) async fn in_order(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    let conversation = stage.conversation();
    let until = tokio::time::Instant::now() + stage.timeout();
    for number in 0..ROW {
        let part = stage.deliver(&conversation).await?;
        stage.report_of(part).await?;
        // A plugin that takes its time is not made to take all of it.
        if number >= 2 && tokio::time::Instant::now() >= until {
            break;
        }
    }
    Ok(())
}

pub(super) async fn repeated(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    stage.hold(Held { records: true, ..Held::default() });
    let conversation = stage.conversation();
    let part = stage.deliver(&conversation).await?;
    stage.report_of(part).await?;
    stage.deliver_again(part, &conversation).await;
    stage.report_of(part).await?;
    stage.record(part).await;
    Ok(())
}

pub(super) async fn report_repeated(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    stage.hold(Held { records: true, ..Held::default() });
    let conversation = stage.conversation();
    let part = stage.deliver(&conversation).await?;
    let report = stage.report_of(part).await?;
    stage.cut();
    stage.next_stream(stage.timeout()).await?;
    if !stage.holding().contains(&part.0) {
        return failed("Hello did not name the delivery, whose report was not recorded, in \"holding\"");
    }
    stage.welcome(64).await;
    let again = stage.report_of(part).await?;
    if again != report {
        return failed("the report was another one when it was repeated");
    }
    stage.record(part).await;
    Ok(())
}
