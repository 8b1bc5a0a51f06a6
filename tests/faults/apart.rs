//! A place apart: own loopback, own mounts, own processes, so that whatever a row breaks is whole again when it ends, however
//! it ends.

use std::{
    env,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// Set where we are apart already.
const APART: &str = "FAULTS_APART";

const FLAGS: [&str; 6] = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Starts this program again in namespaces of its own, where the machine lets us. Rows that need them are left out elsewhere.
pub(crate) fn step() -> anyhow::Result<()> {
    if env::var_os(APART).is_some() {
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        ensure!(up.context("ip (of iproute2)")?.success(), "the loopback interface does not come up");
        return Ok(());
    }
    if !can() {
        return Ok(());
    }
    let mut again = Command::new("unshare");
    again.args(FLAGS).arg("--").arg(env::current_exe()?).args(env::args_os().skip(1)).env(APART, "1");
    Err(again.exec()).context("unshare")
}

/// Whether the machine lets us.
pub(crate) fn can() -> bool {
    let mut can = Command::new("unshare");
    can.args(FLAGS).args(["ip", "link", "set", "lo", "up"]).stderr(Stdio::null());
    can.status().is_ok_and(|status| status.success())
}

/// Whether we are.
pub(crate) fn is_so() -> bool {
    env::var_os(APART).is_some()
}
