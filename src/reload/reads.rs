//! Which keys a process reads: a change of any other concerns it as little as a restart would.

use super::is_within;

/// A process, by what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Everything in one.
    Up,
    /// The WebSocket edge.
    Bridge,
    /// One service, by its name.
    Service(&'static str),
    /// One plugin, by its name.
    Plugin(&'static str),
}

/// What only services read, beside their own section.
const OF_SERVICES: [&str; 6] = [
    "services.grpc_listen",
    "services.tls",
    "services.reflection",
    "services.limits",
    "notification",
    "store",
];
/// What the services call each other by.
const URLS: [&str; 3] = ["services.chat.url", "services.notification.url", "services.presence.url"];
const SECTIONS: [&str; 3] = ["services.chat", "services.notification", "services.presence"];

impl Reader {
    /// What it is called among the processes of a data directory.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Bridge => "bridge",
            Self::Service(name) | Self::Plugin(name) => name,
        }
    }

    /// Whether the process reads a key.
    pub(super) fn reads(self, key: &str) -> bool {
        let any = |keys: &[&str]| keys.iter().any(|of| is_within(key, of));
        match self {
            Self::Up => true,
            Self::Bridge => any(&URLS) || !(any(&SECTIONS) || any(&OF_SERVICES) || any(&["plugins"])),
            Self::Service(name) => {
                let own = is_within(key, &format!("services.{name}"));
                let shared = any(&["auth.service_token", "bridge.allow_http_attachments"]);
                let others = any(&["auth", "bridge", "plugins", "admin", "services.grpc_listen"]);
                own || shared || any(&URLS) || !(any(&SECTIONS) || others)
            }
            Self::Plugin(_) => {
                let others = any(&["auth", "bridge"]) || any(&SECTIONS) || any(&OF_SERVICES);
                any(&["auth.service_token"]) || any(&URLS) || !others
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_reads_what_is_its_own_and_what_is_everybodys() {
        for (reader, key, reads) in [
            (Reader::Up, "services.presence.listen", true),
            (Reader::Bridge, "bridge.listen", true),
            (Reader::Bridge, "auth.keys[0].id", true),
            (Reader::Bridge, "services.chat.url", true),
            (Reader::Bridge, "services.chat.listen", false),
            (Reader::Bridge, "services.limits.max_streams", false),
            (Reader::Bridge, "log.format", true),
            (Reader::Service("chat"), "services.chat.retain", true),
            (Reader::Service("chat"), "services.presence.url", true),
            (Reader::Service("chat"), "services.presence.listen", false),
            (Reader::Service("chat"), "bridge.listen", false),
            (Reader::Service("chat"), "services.tls.cert_file", true),
            (Reader::Bridge, "services.tls.cert_file", false),
            (Reader::Bridge, "services.client.ca_file", true),
            (Reader::Service("chat"), "auth.service_token", true),
            (Reader::Service("chat"), "auth.keys[0].id", false),
            (Reader::Service("chat"), "stop.lead", true),
            (Reader::Plugin("telegram"), "plugins.telegram.bots[0].token", true),
            (Reader::Plugin("telegram"), "bridge.origins", false),
        ] {
            assert_eq!(reader.reads(key), reads, "{reader:?} {key}");
        }
    }
}
