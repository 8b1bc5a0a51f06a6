//! `[services.notification]`, the service, and `[notification]`, what chat has it do.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    services::service_url,
    value,
};

/// The notification service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationSettings {
    /// Its listener, as a process of its own.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
    /// Where the others reach it.
    pub url: String,
    /// Its operators' listener, as a process of its own; `None`: it has none.
    #[serde(default, deserialize_with = "value::optional_address")]
    pub admin: Option<SocketAddr>,
    /// How long events stay in the log.
    #[serde(deserialize_with = "value::duration")]
    pub retain: Duration,
    /// How long an idempotency key is remembered.
    #[serde(deserialize_with = "value::duration")]
    pub idempotency: Duration,
}

/// What chat has notification do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationRules {
    /// Who is notified of a message.
    pub on_message: OnMessage,
}

/// Who is notified of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMessage {
    /// Participants without a socket on the conversation.
    Away,
    /// All participants but the sender.
    Always,
    /// Nobody.
    Never,
}

impl Section for NotificationSettings {
    const NAME: &'static str = "services.notification";

    fn validate(&self) -> Result<(), Invalid> {
        let (minute, year) = (Duration::from_secs(60), Duration::from_secs(366 * 24 * 3600));
        service_url("url", &self.url)?;
        between("retain", self.retain, minute, year)?;
        between("idempotency", self.idempotency, minute, year)
    }
}

impl Section for NotificationRules {
    const NAME: &'static str = "notification";

    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}
