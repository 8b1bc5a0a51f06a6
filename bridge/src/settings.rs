//! What the core of the bridge can be told. How the edge listens and whom it lets in stands beside the edge.

use std::time::Duration;

use causeway_config::BridgeSettings;

/// Limits and intervals of sockets and of the calls behind them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Longest frame taken from a client, in bytes; a longer one closes with 1009.
    pub(crate) max_frame_bytes: usize,
    /// What may wait for one socket, in bytes; over it the socket is closed with 4008.
    pub(crate) mailbox_bytes: usize,
    /// Commands of one socket that may wait for the one under way; at it, the socket is not read.
    pub(crate) send_queue: usize,
    /// Time between WebSocket pings.
    pub(crate) ping_interval: Duration,
    /// A peer that is silent for this long is closed.
    pub(crate) idle_timeout: Duration,
    /// A write that makes no progress for this long ends the socket.
    pub(crate) write_timeout: Duration,
    /// How long a close frame may take to be written and answered.
    pub(crate) close_timeout: Duration,
    /// Time between heartbeat frames, in the dialects that have them.
    pub(crate) heartbeat: Duration,
    /// When stopping, sockets are closed evenly within this window.
    pub(crate) drain: Duration,
    /// A client whose socket is closed so is asked to wait for a random part of this.
    pub(crate) reconnect_within: Duration,
    /// No presence where there are more participants than this.
    pub(crate) presence_limit: usize,
    /// No delivery reports where there are more participants than this.
    pub(crate) delivery_limit: usize,
    /// Deadline of every call to a service.
    pub(crate) call_timeout: Duration,
}

impl From<&BridgeSettings> for Settings {
    fn from(settings: &BridgeSettings) -> Self {
        let count = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            max_frame_bytes: settings.max_frame_bytes,
            mailbox_bytes: settings.mailbox_bytes,
            send_queue: settings.send_queue,
            ping_interval: settings.ping_interval,
            idle_timeout: settings.idle_timeout,
            heartbeat: settings.heartbeat,
            drain: settings.drain,
            reconnect_within: settings.reconnect_within,
            presence_limit: count(settings.presence_limit),
            delivery_limit: count(settings.delivery_limit),
            ..Self::default()
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_frame_bytes: 64 << 10,
            mailbox_bytes: 256 << 10,
            send_queue: 64,
            ping_interval: Duration::from_secs(25),
            idle_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            reconnect_within: Duration::from_secs(2),
            presence_limit: 200,
            delivery_limit: 50,
            call_timeout: Duration::from_millis(4_500),
        }
    }
}
