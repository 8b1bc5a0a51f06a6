//! The plugin between a stand-in for Instagram and a stand-in for its host.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accounts;
mod conversation;
mod messages;
mod secrets;
mod sending;
mod stage;
#[path = "../../../../tests/stand_ins/instagram.rs"]
mod stand_in;
#[path = "../../../../tests/stand_ins/until.rs"]
mod until;
mod webhook;
