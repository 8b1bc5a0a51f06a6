//! The plugin under test: a command that the suite starts and kills, or whatever connects.

use std::{io, net::SocketAddr, process::Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::Options;

/// Where the plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A program and its arguments. It is started with `CAUSEWAY_PLUGIN_HOST` and `CAUSEWAY_PLUGIN_TOKEN` in its environment, and
    /// is killed and started again in between.
    Command(Vec<String>),
    /// The suite listens here, and the plugin's author starts the plugin, with the token of the options.
    Listen(SocketAddr),
}

/// A command that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    arguments: Vec<String>,
    url: String,
    token: String,
    show_output: bool,
    child: Child,
}

impl Program {
    /// Starts a command that is to attach at `address`.
    pub(super) fn start(arguments: Vec<String>, address: SocketAddr, options: &Options) -> io::Result<Self> {
        let url = format!("http://{address}");
        let child = spawn(&arguments, &url, &options.token, options.show_output)?;
        Ok(Self { arguments, url, token: options.token.clone(), show_output: options.show_output, child })
    }

    /// Kills it and whatever it has started, without warning, and starts it again.
    pub(super) async fn restart(&mut self) -> io::Result<()> {
        self.kill();
        self.child.wait().await?;
        self.child = spawn(&self.arguments, &self.url, &self.token, self.show_output)?;
        Ok(())
    }

    fn kill(&mut self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(arguments: &[String], url: &str, token: &str, show_output: bool) -> io::Result<Child> {
    let (program, arguments) =
        arguments.split_first().ok_or_else(|| io::Error::other("there is no command to start"))?;
    let output = || if show_output { Stdio::inherit() } else { Stdio::null() };
    Command::new(program)
        .args(arguments)
        .env("CAUSEWAY_PLUGIN_HOST", url)
        .env("CAUSEWAY_PLUGIN_TOKEN", token)
        .stdin(Stdio::null())
        .stdout(output())
        .stderr(output())
        // What it starts in turn is killed with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{program} cannot be started: {error}")))
}
