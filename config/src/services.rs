//! `[services]`: the gRPC listeners and their limits. Each service's own keys are in the file of its name.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    chat::ChatSettings,
    client::ClientSettings,
    notification::NotificationSettings,
    presence::PresenceSettings,
    section::{Invalid, Section, between},
    tls::TlsSettings,
    value,
};

/// The gRPC services.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicesSettings {
    /// The one listener of `causeway up`.
    #[serde(deserialize_with = "value::address")]
    pub grpc_listen: SocketAddr,
    /// gRPC over TLS, on every listener; `None`: without.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Whether gRPC reflection is answered.
    pub reflection: bool,
    /// Limits of every gRPC listener.
    pub limits: LimitSettings,
    /// How clients treat endpoints.
    pub client: ClientSettings,
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
        if let Some(tls) = &self.tls {
            tls.validate().map_err(|invalid| invalid.within("tls"))?;
        }
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

/// Where a service is reached: `http://host:port`, several of them with commas between, or `dns:///name:port`; over TLS `https` and
/// `dns+tls`.
pub(crate) fn service_url(key: &str, text: &str) -> Result<(), Invalid> {
    let allowed = "\"http://\", a host and a port, such as \"http://127.0.0.1:8011\"; several of these with commas \
                   between, each once; or \"dns:///\", a name and a port, such as \"dns:///chat.internal:8011\"; for TLS \
                   \"https://\" and \"dns+tls:///\"";
    let wrong = |problem| Err(Invalid::new(key, problem, allowed));
    let text = text.trim();
    if let Some(name) = text.strip_prefix("dns:///").or_else(|| text.strip_prefix("dns+tls:///")) {
        let is_name = name.rsplit_once(':').is_some_and(|(host, port)| {
            let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !host.is_empty() && host.bytes().all(is_host) && port.parse::<u16>().is_ok_and(|port| port != 0)
        });
        return if is_name { Ok(()) } else { wrong(format!("{text:?} is no name with a port")) };
    }
    let urls: Vec<&str> = text.split(',').map(|url| url.trim().trim_end_matches('/')).collect();
    for (place, url) in urls.iter().enumerate() {
        if !is_endpoint(url) {
            return wrong(format!("{url:?} is not where a service can be"));
        }
        if urls.iter().take(place).any(|before| before == url) {
            return wrong(format!("{url} stands in it twice"));
        }
    }
    let encrypted = urls.iter().filter(|url| url.starts_with("https://")).count();
    if encrypted != 0 && encrypted != urls.len() {
        return wrong("some of its URLs are http and others https".to_owned());
    }
    Ok(())
}

/// `http://host[:port]`, or with `https`, and nothing after.
fn is_endpoint(url: &str) -> bool {
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
    let port = host.rsplit_once(':').filter(|(before, _)| !before.contains(':') || before.ends_with(']'));
    let is_port = port.is_none_or(|(_, port)| port.parse::<u16>().is_ok());
    !host.is_empty() && is_port && !host.contains(['/', '?', '#', '@', ' '])
}

/// An `https` or `http` URL with a host.
pub(crate) fn web_url(key: &str, url: &str) -> Result<(), Invalid> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || url.contains(char::is_whitespace) {
        return Err(Invalid::new(key, format!("{url:?} is not a URL"), "an https or http URL"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_at_one_url_at_several_or_behind_a_name() {
        for right in [
            "http://127.0.0.1:8011",
            "http://a:1, http://b:2",
            "https://a:1, https://b:2",
            "http://[::1]:3",
            "dns:///chat.internal:8011",
            "dns+tls:///chat.internal:8011",
        ] {
            assert_eq!(service_url("url", right), Ok(()), "{right}");
        }
    }

    #[test]
    fn anything_else_is_told_with_what_is_allowed() {
        for wrong in [
            "",
            "http://",
            "https://",
            "grpc://a:1",
            "https://a:1,http://b:1",
            "http://a/b",
            "http://a:port",
            "http://a:1,",
            "http://a:1,http://a:1/",
            "dns://a:1",
            "dns:///a",
            "dns+tls:///a",
            "dns:///a:0",
            "dns:///a:1,http://b:1",
        ] {
            let invalid = service_url("url", wrong).unwrap_err();
            assert!(invalid.allowed.contains("dns:///"), "{wrong}");
        }
    }
}
