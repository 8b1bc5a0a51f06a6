//! What the services share: store, event log, bus, subscription server, outbox and the gRPC server stack.
//!
//! A service opens a [`store`] and makes things true in write jobs; a job that appends an event to the log or owes a call to
//! another service does so in the same transaction. What was committed goes over the [`bus`] to the subscribers of
//! [`events`], and what is owed is carried out by [`outbox`]; of several processes that have a store, one does so by a [`lease`]. [`part`] is how a service hands itself to whoever composes the
//! process, and [`server`] is the gRPC stack in front of all parts. Start with [`part::Context`].

pub mod bus;
pub mod error;
pub mod events;
pub mod lease;
pub mod metrics;
pub mod outbox;
pub mod part;
pub mod plugin_host;
pub mod server;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::Error;
pub use part::{Context, Part};
pub use store::Store;
