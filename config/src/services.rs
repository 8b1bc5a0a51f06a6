//! `[services]`: the gRPC listeners and their limits. Each service's own keys are in the file of its name.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    chat::ChatSettings,
    notification::NotificationSettings,
    presence::PresenceSettings,
    section::{Invalid, Section, between},
    value,
};

/// The gRPC services.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicesSettings {
    /// The one listener of `causeway up`.
    #[serde(deserialize_with = "value::address")]
    pub grpc_listen: SocketAddr,
    /// Whether gRPC reflection is answered.
    pub reflection: bool,
    /// Limits of every gRPC listener.
    pub limits: LimitSettings,
    /// Users, conversations and messages.
    pub chat: ChatSettings,
    /// Notifications and bulk messages.
    pub notification: NotificationSettings,
    /// Who is online.
    pub presence: PresenceSettings,
}

/// Limits of a gRPC listener. Sizes are bytes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Connections at a time.
    pub max_connections: usize,
    /// Calls under way on one connection.
    pub max_streams: u32,
    /// The headers of one request.
    pub max_header_bytes: u32,
    /// From accepting a connection to its first request.
    #[serde(deserialize_with = "value::duration")]
    pub handshake_timeout: Duration,
    /// Between pings to a silent peer.
    #[serde(deserialize_with = "value::duration")]
    pub keepalive_interval: Duration,
    /// How long a ping may stay unanswered.
    #[serde(deserialize_with = "value::duration")]
    pub keepalive_timeout: Duration,
}

impl Section for ServicesSettings {
    const NAME: &'static str = "services";

    fn validate(&self) -> Result<(), Invalid> {
        self.limits.validate().map_err(|invalid| invalid.within("limits"))
    }
}

impl LimitSettings {
    fn validate(&self) -> Result<(), Invalid> {
        let (least, hour) = (Duration::from_millis(100), Duration::from_secs(3600));
        between("max_connections", self.max_connections, 1, 1_000_000)?;
        between("max_streams", self.max_streams, 1, 100_000)?;
        between("max_header_bytes", self.max_header_bytes, 4 << 10, 1 << 20)?;
        between("handshake_timeout", self.handshake_timeout, least, hour)?;
        between("keepalive_interval", self.keepalive_interval, least, hour)?;
        between("keepalive_timeout", self.keepalive_timeout, least, hour)
    }
}

/// `http://host[:port]` and nothing after: where a service is reached.
pub(crate) fn service_url(key: &str, url: &str) -> Result<(), Invalid> {
    let host = url.strip_prefix("http://").unwrap_or_default();
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        let allowed = "\"http://\", a host and a port, and nothing after, such as \"http://127.0.0.1:8011\"";
        return Err(Invalid::new(key, format!("{url:?} is not where a service can be"), allowed));
    }
    Ok(())
}

/// An `https` or `http` URL with a host.
pub(crate) fn web_url(key: &str, url: &str) -> Result<(), Invalid> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || url.contains(char::is_whitespace) {
        return Err(Invalid::new(key, format!("{url:?} is not a URL"), "an https or http URL"));
    }
    Ok(())
}
