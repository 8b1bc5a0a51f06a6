//! How a stream begins.

use std::time::Duration;

use causeway_proto::plugin::PluginKind;
use tokio::time::Instant;

use crate::conformance::stage::{Heard, Stage, Step, failed, skipped};

/// How long Welcome is held back.
const SILENCE: Duration = Duration::from_millis(500);

pub(super) async fn attach(stage: &mut Stage) -> Step<()> {
    stage.next_stream(stage.starting()).await?;
    let until = Instant::now() + SILENCE;
    loop {
        match stage.hear(until).await {
            // What came is for the rules to judge.
            Heard::Something => {}
            Heard::Nothing => break,
            Heard::End(_) => {
                return failed(format!("it ended the stream when Welcome did not come within {SILENCE:?}"));
            }
        }
    }
    stage.welcome(64).await;
    stage.listen(SILENCE).await
}

pub(super) async fn delivery_credit(stage: &mut Stage) -> Step<()> {
    takes_deliveries(stage)?;
    stage.attached().await?;
    let until = Instant::now() + stage.timeout();
    while stage.delivery_credit() == 0 {
        match stage.hear(until).await {
            Heard::Something => {}
            Heard::Nothing => return failed(format!("no credit came within {:?}", stage.timeout())),
            Heard::End(_) => return failed("it ended the stream"),
        }
    }
    Ok(())
}

pub(super) async fn unknown_messages(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    stage.welcome_again().await;
    stage.say_nothing_known().await;
    if stage.kind() == PluginKind::NoticeSource {
        return stage.listen(SILENCE).await;
    }
    let conversation = stage.conversation();
    let part = stage.deliver(&conversation).await?;
    stage.report_of(part).await.map(drop)
}

/// Skips what notice sources are not asked to do.
pub(super) fn takes_deliveries(stage: &Stage) -> Step<()> {
    match stage.kind() {
        PluginKind::NoticeSource => skipped("a notice source gets no deliveries"),
        PluginKind::Channel | PluginKind::Agent | PluginKind::Unspecified => Ok(()),
    }
}
