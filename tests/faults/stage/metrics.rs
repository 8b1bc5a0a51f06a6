//! A process's metrics, and what the system says of it.

use std::{fs, net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use tokio::time::timeout;

use crate::http;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a process counted, as its admin listener shows it.
pub(crate) struct Metrics(String);

impl Metrics {
    /// Asks the admin listener.
    pub(crate) async fn read(admin: SocketAddr) -> anyhow::Result<Self> {
        let answer =
            timeout(PATIENCE, http::get(admin, "/metrics", &[])).await.context("no metrics in time")??;
        ensure!(answer.status == 200, "the metrics answer {}", answer.status);
        Ok(Self(answer.body))
    }

    /// The sum of all series of a name that have each of these labels, as `service="Events"`; 0 without any.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.0.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    /// Memory that is resident, in KiB.
    pub(crate) memory: u64,
    /// Open descriptors.
    pub(crate) descriptors: usize,
}

impl Holdings {
    /// Those of a process.
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let memory = line.trim().trim_end_matches("kB").trim().parse()?;
        let descriptors = fs::read_dir(format!("/proc/{process}/fd"))?.count();
        Ok(Self { memory, descriptors })
    }
}
