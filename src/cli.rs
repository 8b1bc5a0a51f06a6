//! What can be typed. The arguments of a subcommand stand in the file of its name under `cmd`.

use std::path::PathBuf;

use causeway_config::{Flag, Loaded, Settings, Sources};
use clap::{Args, Parser, Subcommand, error::ErrorKind};

use crate::{
    cmd::{
        bridge, bulk, config, conversation, doctor, migrate, notify, outbox, plugin, reload, send, service,
        token, up, user,
    },
    reload::Again,
};

const EXAMPLES: &str = "\
Examples:
  causeway up                               everything in one process; prints what to try next
  causeway user put alice --first-name Alice
  causeway conversation create --kind group --id lobby --participant alice bob
  causeway send --conversation lobby --as alice \"hello\"
  causeway token --user alice               a token for a WebSocket client
  causeway config show                      each setting and where it came from
  causeway reload                           take a changed configuration, without dropping a socket
  causeway doctor                           what is wrong with this installation

Settings come from --config FILE (or CAUSEWAY_CONFIG), ./causeway.toml or causeway.toml in the data directory, then from
environment variables such as CAUSEWAY_BRIDGE__LISTEN, then from flags. `causeway config show --reference` prints them all
with their meaning. Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// A realtime bridge: five WebSocket dialects for frontends over gRPC services for backends.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, after_help = EXAMPLES, max_term_width = 110)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every call.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every call")]
pub(crate) struct Global {
    /// Configuration file [default: ./causeway.toml, or causeway.toml in the data directory, where there is one]
    #[arg(long, global = true, value_name = "FILE", env = "CAUSEWAY_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Directory with the stores and credentials [env: CAUSEWAY_DATA_DIR] [default: causeway-data]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Log level, also by target, as info,causeway_bridge=debug [env: CAUSEWAY_LOG__LEVEL] [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
}

impl Global {
    /// The settings in force, with those that the subcommand's own flags give.
    pub(crate) fn load(&self, mut flags: Vec<Flag>) -> anyhow::Result<Loaded> {
        let data_dir = self.data_dir.as_ref().map(|path| path.display().to_string());
        flags.extend(flag("--data-dir", "data_dir", data_dir));
        flags.extend(flag("--log", "log.level", self.log.clone()));
        let data_dir = self.usual_data_dir();
        Ok(Settings::load(&Sources::of_process(self.config.as_deref(), &data_dir, flags))?)
    }

    /// How a process reads its settings, at its start and again: from the same sources.
    pub(crate) fn sources(&self, flags: Vec<Flag>) -> Again {
        let global = self.clone();
        Box::new(move || global.load(flags.clone()))
    }

    /// The data directory where no configuration is to be read for it.
    pub(crate) fn usual_data_dir(&self) -> PathBuf {
        self.named_data_dir().unwrap_or_else(|| PathBuf::from("causeway-data"))
    }

    /// The flags that another call needs to find the same data and configuration, as they are typed.
    pub(crate) fn again(&self) -> String {
        let paths = [("--config", self.config.clone()), ("--data-dir", self.named_data_dir())];
        paths.into_iter().filter_map(|(name, path)| Some(format!(" {name} {}", path?.display()))).collect()
    }

    /// The directory that a flag or the environment names; a configuration file may name one as well.
    fn named_data_dir(&self) -> Option<PathBuf> {
        self.data_dir.clone().or_else(|| std::env::var_os("CAUSEWAY_DATA_DIR").map(PathBuf::from))
    }
}

/// A setting, when its flag was given.
pub(crate) fn flag(name: &'static str, key: &'static str, value: Option<impl ToString>) -> Option<Flag> {
    value.map(|value| Flag { name, key, value: value.to_string() })
}

/// The subcommands, in the order in which a newcomer needs them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::Up),
    Bridge(bridge::Bridge),
    /// Runs the chat service alone: users, conversations and messages
    Chat(service::Service),
    /// Runs the notification service alone: notifications and bulk messages
    Notification(service::Service),
    /// Runs the presence service alone: who is online and who types
    Presence(service::Service),
    #[command(subcommand)]
    Plugin(Box<plugin::Plugin>),
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    Token(token::Token),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Conversation(conversation::Conversation),
    Send(send::Send),
    Notify(notify::Notify),
    Broadcast(notify::Broadcast),
    #[command(subcommand)]
    Bulk(bulk::Bulk),
    #[command(subcommand)]
    Config(config::Config),
    Reload(reload::Reload),
    Migrate(migrate::Migrate),
    Doctor(doctor::Doctor),
}

/// A usage error in one line. `None` for what is no error: help and version.
pub(crate) fn one_line(error: &clap::Error) -> Option<String> {
    let help = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    if help.contains(&error.kind()) {
        return None;
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let said: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("For more")).collect();
    Some(format!("{} (see --help)", said.join(" ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn refused(line: &str) -> String {
        let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        one_line(&error).unwrap()
    }

    #[test]
    fn every_argument_is_well_defined() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_said_in_one_line_that_names_it() {
        let line = refused("causeway send --as alice hello");
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("error: ") && line.contains("--conversation"), "{line}");
        assert!(refused("causeway sned").contains("'send'"), "the near one is suggested");
        assert!(refused("causeway up --listen nowhere").contains("nowhere"));
        assert!(refused("causeway token").contains("--user"));
        assert!(refused("causeway plugin check autoresponder.py").contains("ADDRESS"));
        assert!(refused("causeway plugin check").contains("ADDRESS"));
        assert!(refused("causeway conversation create --kind club").contains("group, one_to_one, support"));
    }

    #[test]
    fn the_calls_of_the_manual_are_understood() {
        for line in [
            "causeway up --data-dir D --listen 127.0.0.1:1 --grpc 127.0.0.1:2 --admin 127.0.0.1:3",
            "causeway chat --config F",
            "causeway token --user 7 --claim name=Ann --claim college_id=5 --ttl 1h",
            "causeway user put u --username n --first-name A --last-name B --email e --audience a --audience b",
            "causeway user put c --source telegram --profile-picture https://x/y.png",
            "causeway user show u --json",
            "causeway user list",
            "causeway conversation create --kind support --customer c --priority -2",
            "causeway conversation create --kind group --id 5 --name N --participant a b --participant c",
            "causeway conversation add 5 --participant a b",
            "causeway conversation remove 5 --participant a",
            "causeway conversation show 5",
            "causeway conversation list --user a",
            "causeway send --conversation 5 --as a --type AI text",
            "causeway notify a --title T --message M --type notice --data {}",
            "causeway broadcast college:5 --title T --message M",
            "causeway bulk start --user a --user b --title T --message M",
            "causeway bulk watch 1",
            "causeway bulk cancel 1",
            "causeway plugin list",
            "causeway plugin add autoresponder --kind agent",
            "causeway plugin remove autoresponder",
            "causeway plugin set-aside telegram --json",
            "causeway plugin check 127.0.0.1:9000 --quick --timeout 5s",
            "causeway plugin check --quick -- python3 autoresponder.py --fast",
            "causeway plugin telegram",
            "causeway outbox list --kind plugin/telegram --state dead",
            "causeway outbox replay 7 8",
            "causeway config show",
            "causeway config check",
            "causeway reload",
            "causeway reload bridge chat --json",
            "causeway doctor",
        ] {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }
}
