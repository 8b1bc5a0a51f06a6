//! Presence in Redis: that it is what presence in one process is, and what follows when something fails.

mod anew;
mod failures;
mod process;
mod same;
mod together;

#[path = "../../../../tests/stand_ins/redis.rs"]
mod server;
