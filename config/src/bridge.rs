//! `[bridge]`: the WebSocket edge, its limits and its mounts.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    tls::TlsSettings,
    value,
};

/// The WebSocket edge. Sizes are bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeSettings {
    /// WebSocket and HTTP.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
    /// WebSocket and HTTP over TLS; `None`: without.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Origins that browsers may come from, exactly.
    pub origins: Vec<String>,
    /// Also any origin on localhost.
    pub allow_localhost_origins: bool,
    /// Attachments may have http URLs.
    pub allow_http_attachments: bool,
    /// Longest frame, and message of fragments.
    pub max_frame_bytes: usize,
    /// Sockets in all; 0: no limit.
    pub max_connections: usize,
    /// Sockets of one user; 0: no limit.
    pub max_connections_per_user: usize,
    /// What may wait for one slow reader.
    pub mailbox_bytes: usize,
    /// Frames of one socket that may wait to be carried out.
    pub send_queue: usize,
    /// Between WebSocket pings.
    #[serde(deserialize_with = "value::duration")]
    pub ping_interval: Duration,
    /// Longest silence of a peer.
    #[serde(deserialize_with = "value::duration")]
    pub idle_timeout: Duration,
    /// From accepting a connection to the whole request.
    #[serde(deserialize_with = "value::duration")]
    pub handshake_timeout: Duration,
    /// Sockets that are opened at once.
    pub openings: usize,
    /// Window over which sockets are closed on stop.
    #[serde(deserialize_with = "value::duration")]
    pub drain: Duration,
    /// Window over which clients are asked to come back once their socket was closed on stop.
    #[serde(deserialize_with = "value::duration")]
    pub reconnect_within: Duration,
    /// Between heartbeat frames of the rooms dialect.
    #[serde(deserialize_with = "value::duration")]
    pub heartbeat: Duration,
    /// No presence in conversations with more participants.
    pub presence_limit: u32,
    /// No delivery reports in conversations with more participants.
    pub delivery_limit: u32,
    /// Whether the rooms dialect's deprecated path works.
    pub deprecated_conversation_path: bool,
    /// Whose `/ws/chat/{id}/` is at the root.
    pub root_chat_dialect: RootChatDialect,
    /// How fast one user may send.
    pub rate: RateSettings,
    /// Where the dialects are; empty: all at the root and under their names.
    pub mounts: Vec<MountSettings>,
}

/// How fast one user may send.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSettings {
    /// 0: no limit.
    pub frames_per_second: u32,
    /// Frames that may come at once.
    pub burst: u32,
}

/// A dialect at a host, a prefix, or both.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountSettings {
    /// Which.
    pub dialect: MountedDialect,
    /// Host without port, lower case; `None`: every host.
    #[serde(default)]
    pub host: Option<String>,
    /// Path before the dialect's own, with a slash before and none after; `None`: the root.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// A dialect by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named as in the reference")]
pub enum MountedDialect {
    Rooms,
    Envelope,
    Jobs,
    Helpdesk,
    Campus,
}

/// The two dialects that share a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "named as in the reference")]
pub enum RootChatDialect {
    Jobs,
    Helpdesk,
}

impl Section for BridgeSettings {
    const NAME: &'static str = "bridge";

    fn validate(&self) -> Result<(), Invalid> {
        for (index, origin) in self.origins.iter().enumerate() {
            if !is_origin(origin) {
                let allowed = "as a browser sends it: scheme, host and perhaps port in lower case and nothing \
                               after, such as \"https://app.example.com\"";
                let problem = format!("{origin:?} is not an origin");
                return Err(Invalid::new(format!("origins[{index}]"), problem, allowed));
            }
        }
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        between("max_frame_bytes", self.max_frame_bytes, 1024, 16 << 20)?;
        between("mailbox_bytes", self.mailbox_bytes, 16 << 10, 64 << 20)?;
        between("send_queue", self.send_queue, 1, 4096)?;
        between("ping_interval", self.ping_interval, Duration::from_millis(100), hour)?;
        if self.idle_timeout <= self.ping_interval {
            let allowed = format!("more than bridge.ping_interval, which is {:?}", self.ping_interval);
            return Err(Invalid::new(
                "idle_timeout",
                format!("{:?} is too short", self.idle_timeout),
                allowed,
            ));
        }
        between("handshake_timeout", self.handshake_timeout, Duration::from_millis(100), hour)?;
        between("openings", self.openings, 1, 65_536)?;
        between("drain", self.drain, Duration::ZERO, hour)?;
        between("reconnect_within", self.reconnect_within, Duration::ZERO, hour)?;
        if let Some(tls) = &self.tls {
            tls.validate().map_err(|invalid| invalid.within("tls"))?;
        }
        between("heartbeat", self.heartbeat, second, hour)?;
        if self.rate.frames_per_second > 0 {
            between("rate.burst", self.rate.burst, 1, 1_000_000)?;
        }
        for (index, mount) in self.mounts.iter().enumerate() {
            mount.validate().map_err(|invalid| invalid.within(&format!("mounts[{index}]")))?;
        }
        Ok(())
    }
}

impl MountSettings {
    fn validate(&self) -> Result<(), Invalid> {
        if let Some(host) = &self.host {
            let wrong =
                host.is_empty() || host.contains(['/', ':', ' ']) || *host != host.to_ascii_lowercase();
            if wrong {
                let allowed = "a host name in lower case, without port, such as \"support.example.com\"";
                return Err(Invalid::new("host", format!("{host:?} is not a host"), allowed));
            }
        }
        if let Some(prefix) = &self.prefix {
            let wrong = prefix.len() < 2
                || !prefix.starts_with('/')
                || prefix.ends_with('/')
                || prefix.contains("//")
                || prefix.contains(['?', '#', ' ', '{']);
            if wrong {
                let allowed = "a path with a slash before and none after, such as \"/desk\"";
                return Err(Invalid::new("prefix", format!("{prefix:?} is not a prefix"), allowed));
            }
        }
        Ok(())
    }
}

/// Browsers send `scheme://host[:port]` in lower case, and nothing after it.
fn is_origin(origin: &str) -> bool {
    let (scheme, host) = origin.split_once("://").unwrap_or_default();
    !scheme.is_empty()
        && !host.is_empty()
        && !host.contains(['/', '?', '#', '*', '@', ' '])
        && *origin == origin.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in ["https://app.example.com", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in
            ["*", "app.example.com", "https://App.example.com", "https://a.example/", "https://*.a.b"]
        {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn a_prefix_has_a_slash_before_and_none_after() {
        let mount = |prefix: &str| MountSettings {
            dialect: MountedDialect::Jobs,
            host: None,
            prefix: Some(prefix.to_owned()),
        };
        assert!(mount("/desk").validate().is_ok());
        assert!(mount("/a/b").validate().is_ok());
        for prefix in ["", "/", "desk", "/desk/", "/a//b", "/a?b"] {
            assert!(mount(prefix).validate().is_err(), "{prefix}");
        }
    }
}
