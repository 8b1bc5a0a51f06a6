//! `[services.chat]`: users, conversations and messages.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    services::service_url,
    value,
};

/// The chat service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatSettings {
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
    /// How long a `client_message_id` is remembered.
    #[serde(deserialize_with = "value::duration")]
    pub idempotency: Duration,
    /// Conversations with more participants make nobody a contact.
    pub presence_limit: u32,
    /// No delivery reports in conversations with more participants.
    pub delivery_limit: u32,
    /// Who joins a new support conversation.
    pub support: SupportSettings,
}

/// Who joins a new support conversation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportSettings {
    /// Everybody in this audience, when `users` is empty.
    pub audience: String,
    /// These users.
    pub users: Vec<String>,
}

impl Section for ChatSettings {
    const NAME: &'static str = "services.chat";

    fn validate(&self) -> Result<(), Invalid> {
        let (minute, year) = (Duration::from_secs(60), Duration::from_secs(366 * 24 * 3600));
        service_url("url", &self.url)?;
        between("retain", self.retain, minute, year)?;
        between("idempotency", self.idempotency, minute, year)?;
        if self.support.users.is_empty() && self.support.audience.is_empty() {
            let problem = "is empty, and so is support.users: nobody would answer";
            return Err(Invalid::new("support.audience", problem, "an audience such as \"helpdesk\""));
        }
        Ok(())
    }
}
