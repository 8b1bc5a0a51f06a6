//! What a gRPC listener lets a client do.

use std::time::Duration;

/// Limits of the gRPC listener. The size of a message is limited by the generated servers, to 4 MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; one more is closed.
    pub max_connections: usize,
    /// Calls at once on a connection; one more waits in the client.
    pub max_streams: u32,
    /// Headers of a call, in bytes, uncompressed.
    pub max_header_bytes: u32,
    /// An HTTP/2 frame, in bytes; from 16,384 to 16,777,215.
    pub max_frame_bytes: u32,
    /// What a client may send of a call's body before it is read, in bytes.
    pub stream_window: u32,
    /// The same for all calls of a connection together, in bytes.
    pub connection_window: u32,
    /// From accepting a connection to the end of its preface (RFC 9113 §3.4).
    pub handshake_timeout: Duration,
    /// A silent connection is asked for a sign of life this often.
    pub keepalive_interval: Duration,
    /// A connection that gives none for this long is closed.
    pub keepalive_timeout: Duration,
    /// How long calls may go on after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            max_streams: 100,
            max_header_bytes: 16 << 10,
            max_frame_bytes: 16 << 10,
            stream_window: 256 << 10,
            connection_window: 1 << 20,
            handshake_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(5),
            drain: Duration::from_secs(10),
        }
    }
}
