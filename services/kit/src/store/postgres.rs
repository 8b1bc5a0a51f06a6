//! PostgreSQL, where more than one process has the store: each service has a schema of its own in one database.
//!
//! What SQLite's one writer gives for nothing, an advisory lock gives here: one group of writes at a time, among all processes.
//! So jobs see what they would see alone, positions of the log are visible in their order, and the code of the services is the
//! same. A process that holds the lock and falls silent loses its connection, and with it the lock, within 2 s.
//!
//! `server` says where it is, `open` gets in, `session` is a connection and `driver` what moves its bytes, `engine` and `reader`
//! are the writer's and the readers', `dialect` is the SQL that differs, and `failure` what can go wrong. `transfer` brings files
//! in, and `inspect` looks at it from outside.

mod dialect;
mod driver;
mod engine;
mod failure;
mod inspect;
mod open;
mod reader;
mod row;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod transfer;

pub use failure::PostgresError;
pub use inspect::{Inspection, Tables, TablesState, Unusable};
pub(super) use open::open;
pub use server::{Postgres, WrongUrl};
pub use transfer::{Moved, Progress, TransferError, transfer};
