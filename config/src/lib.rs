//! Settings: what they are called, what they mean and what they default to stands in `default.toml`, which is compiled
//! in and is the reference.
//!
//! A section is a struct in the file of its name ([`auth`], [`bridge`], [`services`], …) that checks itself
//! ([`Section`]). [`Settings::load`] lays the sources over each other and says of each value where it came from
//! ([`Provenance`]); what is wrong is a [`ConfigError`] that names the key, its source and what is allowed. Nothing here
//! reads the environment but [`Sources::of_process`].

mod file;
mod load;
mod nearest;
mod problem;
mod provenance;
mod repair;
mod section;
mod source;
mod value;

pub mod auth;
pub mod bridge;
pub mod chat;
pub mod client;
pub mod notification;
pub mod plugins;
pub mod presence;
pub mod redis;
pub mod secret;
pub mod services;
pub mod stop;
pub mod store;
pub mod telemetry;
pub mod tls;

use std::path::PathBuf;

use serde::Deserialize;

pub use crate::{
    auth::AuthSettings,
    bridge::BridgeSettings,
    chat::ChatSettings,
    client::ClientSettings,
    load::Loaded,
    notification::{NotificationRules, NotificationSettings},
    plugins::PluginsSettings,
    presence::PresenceSettings,
    problem::{ConfigError, Problem},
    provenance::{Entry, Provenance},
    redis::RedisSettings,
    secret::Secret,
    section::{Invalid, Section},
    services::ServicesSettings,
    source::{Flag, Origin, Sources},
    stop::StopSettings,
    store::StoreSettings,
    telemetry::{AdminSettings, LogSettings},
    tls::TlsSettings,
    value::parse_duration,
};

/// The compiled-in reference: every key with its default and its explanation.
pub const REFERENCE: &str = include_str!("../default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where stores and credentials are kept.
    pub data_dir: PathBuf,
    /// Who may connect.
    pub auth: AuthSettings,
    /// The WebSocket edge.
    pub bridge: BridgeSettings,
    /// The gRPC services.
    pub services: ServicesSettings,
    /// What chat has notification do.
    pub notification: NotificationRules,
    /// The integrations that come along.
    pub plugins: PluginsSettings,
    /// Where services keep what they keep.
    pub store: StoreSettings,
    /// What several processes of a service share.
    pub redis: RedisSettings,
    /// How a process ends.
    pub stop: StopSettings,
    /// The operators' listener.
    pub admin: AdminSettings,
    /// Logs.
    pub log: LogSettings,
}

impl Settings {
    /// Reads and checks all sources. Fails with every problem that was found.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        load::load(sources)
    }

    /// What the sections say is wrong, with whole keys.
    fn invalid(&self) -> Vec<Invalid> {
        fn of<S: Section>(section: &S) -> Option<Invalid> {
            section.validate().err().map(|invalid| invalid.within(S::NAME))
        }
        [
            of(&self.auth),
            of(&self.bridge),
            of(&self.services),
            of(&self.services.client),
            of(&self.services.chat),
            of(&self.services.notification),
            of(&self.services.presence),
            of(&self.notification),
            of(&self.plugins),
            of(&self.plugins.telegram),
            of(&self.plugins.instagram),
            of(&self.plugins.notices),
            of(&self.store),
            of(&self.redis),
            of(&self.stop).or_else(|| self.stop_too_soon()),
            of(&self.admin),
            of(&self.log),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn stop_too_soon(&self) -> Option<Invalid> {
        let room = self.stop.leaves_room_for(self.bridge.drain);
        room.err().map(|invalid| invalid.within(StopSettings::NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_valid_and_is_what_an_empty_machine_gets() {
        let settings = Settings::load(&Sources::default()).unwrap().settings;
        assert_eq!(settings.bridge.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(settings.services.grpc_listen.port(), 8001);
        assert_eq!(settings.admin.listen.port(), 8002);
        assert_eq!(settings.services.chat.retain, std::time::Duration::from_secs(7 * 24 * 3600));
        assert!(settings.auth.keys.is_empty());
    }

    #[test]
    fn the_files_beside_it_are_valid_too() {
        for name in ["development.toml", "production.toml"] {
            let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
            let loaded = Settings::load(&Sources { file: Some(file), ..Sources::default() });
            assert!(loaded.is_ok(), "{name}: {}", loaded.unwrap_err());
        }
    }

    #[test]
    fn what_stands_commented_out_in_the_reference_is_valid_when_it_is_not() {
        let uncommented: String = REFERENCE
            .lines()
            .filter(|line| !TABLES.iter().any(|table| *line == format!("{table} = []")))
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.starts_with("[") || is_assignment(rest) => format!("{rest}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("all.toml");
        std::fs::write(&file, uncommented).unwrap();
        let settings = Settings::load(&Sources { file: Some(file), ..Sources::default() }).unwrap().settings;
        assert_eq!(settings.auth.keys.len(), 1);
        assert_eq!(settings.bridge.mounts.len(), 1);
        assert!(settings.auth.introspection.is_some());
    }

    /// Lists of tables, whose examples stand commented out below an empty list.
    const TABLES: [&str; 7] = ["keys", "mounts", "bots", "accounts", "webhooks", "feeds", "tables"];

    fn is_assignment(line: &str) -> bool {
        line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    }
}
