//! Account states.

use std::time::Duration;

use tokio::time::Instant;

use crate::conformance::stage::{Heard, Stage, Step, failed, skipped};

/// How long a plugin may be silent about an account, and a little.
const EVERY: Duration = Duration::from_secs(35);
/// How long the first report may take.
const FIRST: Duration = Duration::from_secs(2);

pub(super) async fn repeated(stage: &mut Stage) -> Step<()> {
    stage.attached().await?;
    if stage.accounts().is_empty() {
        stage.listen(FIRST).await?;
    }
    let Some((account, said)) = stage.accounts().last().cloned() else {
        return skipped("the plugin said nothing of accounts");
    };
    if stage.options().quick {
        return skipped("it takes half a minute");
    }
    let again =
        |stage: &Stage| stage.accounts().iter().any(|(other, when)| *other == account && *when > said);
    while !again(stage) {
        match stage.hear(said + EVERY).await {
            Heard::Something => {}
            Heard::Nothing => {
                let silent = Instant::now() - said;
                return failed(format!("nothing was said of account {account:?} for {silent:?}"));
            }
            Heard::End(_) => return failed("it ended the stream"),
        }
    }
    Ok(())
}
