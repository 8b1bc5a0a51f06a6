//! The plugin between a stand-in for Telegram and a stand-in for its host.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod accounts;
mod files;
mod incoming;
mod outgoing;
mod secrets;
mod stage;
#[path = "../../../../tests/stand_ins/telegram.rs"]
mod telegram;
#[path = "../../../../tests/stand_ins/until.rs"]
mod until;
mod webhook;
