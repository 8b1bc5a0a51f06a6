//! The service through its generated clients, on a folder of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod attach;
mod presence;
mod running;
mod typing;
