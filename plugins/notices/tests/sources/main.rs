//! The plugin at work: sources on one side, a host on the other.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod feed;
mod feed_server;
#[path = "../../../../tests/stand_ins/postgres.rs"]
mod postgres;
mod stage;
mod table;
mod tls;
mod webhook;
