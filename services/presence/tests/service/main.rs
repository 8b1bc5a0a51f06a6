//! The service through its generated clients, on a folder of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod attach;
mod presence;
mod running;
mod server;
mod typing;

/// Presence is in the process. `service_on_redis` has it elsewhere.
async fn shared(_server: Option<&server::Redis>) -> Option<causeway_presence::SharedAt> {
    None
}
