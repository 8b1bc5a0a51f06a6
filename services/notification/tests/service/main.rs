//! The service through its generated client, on a database of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod bulk;
mod inbox;
mod notify;
mod running;
