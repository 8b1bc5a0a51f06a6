//! The `causeway` command. It composes the parts and decides nothing: start with [`cli`] for what can be typed, with
//! [`cmd::up`] for how a process comes to be, and with [`lifecycle`] for how it ends.

mod admin;
mod cli;
mod client;
mod cmd;
mod data_dir;
mod failure;
mod host;
mod later;
mod lifecycle;
mod limits;
mod output;
mod parts;
mod plugins;
mod reach;
mod readiness;
mod redis;
mod reload;
mod storage;
mod telemetry;
mod tls;
mod welcome;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    cmd::service::Which,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A configuration can have several flaws: each is a line.
            for line in format!("{error:#}").lines() {
                eprintln!("error: {line}");
            }
            ExitCode::from(failure::exit_code(&error))
        }
    }
}

fn not_understood(error: &clap::Error) -> ExitCode {
    match cli::one_line(error) {
        Some(line) => eprintln!("{line}"),
        None => drop(error.print()),
    }
    if error.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let global = &cli.global;
    match cli.command {
        Command::Up(up) => server(up.run(global)),
        Command::Bridge(bridge) => server(bridge.run(global)),
        Command::Chat(service) => server(service.run(Which::Chat, global)),
        Command::Notification(service) => server(service.run(Which::Notification, global)),
        Command::Presence(service) => server(service.run(Which::Presence, global)),
        Command::Plugin(plugin) => server(plugin.run(global)),
        Command::Outbox(outbox) => client_call(outbox.run(global)),
        Command::Token(token) => token.run(global),
        Command::User(user) => client_call(user.run(global)),
        Command::Conversation(conversation) => client_call(conversation.run(global)),
        Command::Send(send) => client_call(send.run(global)),
        Command::Notify(notify) => client_call(notify.run(global)),
        Command::Broadcast(broadcast) => client_call(broadcast.run(global)),
        Command::Bulk(bulk) => client_call(bulk.run(global)),
        Command::Config(config) => config.run(global),
        Command::Migrate(migrate) => client_call(migrate.run(global)),
        Command::Reload(reload) => client_call(reload.run(global)),
        Command::Doctor(doctor) => client_call(doctor.run(global)),
    }
}

/// A call to a server is over soon: it needs no threads of its own.
fn client_call(call: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(call)
}

/// A server uses every processor. What still hangs after its end is left behind.
fn server(process: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(process);
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}
