//! What things cost, in microseconds of processor time, KiB and bytes, and what a machine has.
//!
//! What says "measured" is what the benchmark that it names printed on two shared cores, clients on the same ones, rounded up. What
//! says "taken" was not measured.

/// What one process may use of cores, memory and network. Taken: a small machine, or a container with these limits.
pub(super) const CORES: f64 = 2.0;
pub(super) const MEMORY_KIB: f64 = 4.0 * 1024.0 * 1024.0;
pub(super) const NETWORK_BYTES: f64 = 125e6;
/// How much of anything is used before there is more of it. Taken: what is left is for bursts, and for another's sockets.
pub(super) const FULL: f64 = 0.7;

/// A bridge, for a socket that comes, one that stays (a second), and one that is there. Measured: `costs`.
pub(super) const BRIDGE_COMING: f64 = 710.0;
pub(super) const BRIDGE_STAYING: f64 = 4.0;
pub(super) const BRIDGE_SOCKET_KIB: f64 = 16.0;
/// A message that goes to two, all bridges together. Measured: 20 where many go together (`costs`); taken: what two deliveries cost
/// alone, and those 20.
pub(super) const BRIDGE_MESSAGE: f64 = 42.0;
/// One more delivery of an event that the bridge has. Measured: `replicas`, one message under way, all of ours together; where
/// many go together it is a tenth.
pub(super) const BRIDGE_DELIVERY: f64 = 11.0;
/// Chat, notification included, for the same.
pub(super) const CHAT_COMING: f64 = 670.0;
pub(super) const CHAT_MESSAGE: f64 = 98.0;
pub(super) const CHAT_SOCKET_KIB: f64 = 1.4;
/// One more bridge, or chat process, that a message goes to. Taken: a fifth of what the message costs.
pub(super) const CHAT_COPY: f64 = CHAT_MESSAGE / 5.0;
/// Presence, for a socket that comes, and one that is there. Measured: `costs`.
pub(super) const PRESENCE_COMING: f64 = 580.0;
pub(super) const PRESENCE_SOCKET_KIB: f64 = 3.9;
/// Redis, for a socket that comes, an event that is published or received, and a socket's topics and presence. Measured: `costs`.
pub(super) const REDIS_COMING: f64 = 290.0;
pub(super) const REDIS_EVENT: f64 = 2.0;
pub(super) const REDIS_SOCKET_KIB: f64 = 1.6;
/// PostgreSQL's processor time, for a socket that comes and for a write job, and how many cores it has. Measured: `costs`; the
/// cores are taken.
pub(super) const POSTGRES_COMING: f64 = 930.0;
pub(super) const POSTGRES_JOB: f64 = 180.0;
pub(super) const POSTGRES_CORES: f64 = 16.0;
/// PostgreSQL's tables and its log, for a write. Measured: `costs`, a message to two, whose reports were mostly merged; a report is
/// taken to cost what a message does.
pub(super) const POSTGRES_TABLE_BYTES: f64 = 780.0;
pub(super) const POSTGRES_LOG_BYTES: f64 = 1_150.0;
/// Writes a second that one database takes, because one group of them at a time is committed. A message is one, and each report
/// that it reached somebody. Measured: `postgres`, two of each, rounded down.
pub(super) const POSTGRES_JOBS: f64 = 3_400.0;
/// In conversations with more participants nobody reports that a message reached somebody (`bridge.delivery_limit`).
pub(super) const DELIVERY_LIMIT: f64 = 50.0;
/// Bytes of a frame with a message of 56 characters, with TCP's and IP's. Measured: the frame of `rooms`.
pub(super) const FRAME_BYTES: f64 = 450.0;

/// What our configuration allows, where it allows less than the machine.
pub(super) const MAX_CONNECTIONS: f64 = 50_000.0;
/// Connections that a chat process takes (`services.limits.max_connections`).
pub(super) const GRPC_CONNECTIONS: f64 = 1_000.0;
/// Topics that one stream of a bridge may have.
pub(super) const STREAM_TOPICS: f64 = 200_000.0;
/// Connections of each chat and notification process to PostgreSQL (`store.readers`, and one that writes), and how many that takes.
pub(super) const POSTGRES_EACH: f64 = 9.0;
pub(super) const POSTGRES_CONNECTIONS: f64 = 500.0;
