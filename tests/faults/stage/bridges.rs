//! More bridges beside the first.

use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;

use super::{Deployment, Part, deployment::STARTING, until};
use crate::{http, process::free_address};

/// Starts another bridge of that name; where it is. It is ready when this returns.
pub(crate) async fn add(deployment: &mut Deployment, name: &str) -> anyhow::Result<SocketAddr> {
    let at = free_address();
    let part = Part::new(name, "bridge").set("bridge.listen", at).set("admin.listen", free_address());
    deployment.plan(part);
    deployment.start(name)?;
    is_ready(at).await?;
    Ok(at)
}

/// Waits until a bridge says that it can do its job; how long that took.
pub(crate) async fn is_ready(at: SocketAddr) -> anyhow::Result<Duration> {
    let what = format!("the bridge at {at} is ready");
    until(&what, STARTING, async || {
        let answer = timeout(Duration::from_secs(2), http::get(at, "/readyz", &[])).await;
        Ok(answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status == 200)))
    })
    .await
}
