//! End to end: the real program, real sockets, and nothing but what anybody outside can see.
//!
//! `stage` is the language that the tests are written in. Tests that need nothing but the defaults share one running
//! Causeway, each with people and conversations of its own. `E2E_LAYOUT=split` makes the shared one four
//! processes of one configuration file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod away;
mod campus;
mod command_line;
mod durability;
mod envelope;
mod grpc;
mod grpc_tls;
mod helpdesk;
mod introspection;
mod jobs;
mod limits;
mod mounts;
mod observability;
mod one_conversation;
mod origins;
mod plugins;
mod postgres_store;
mod redis_away;
mod reload;
mod removal;
mod replicas;
mod resume;
mod rolling;
mod rooms;
mod secrets;
mod services_away;
mod stage;
mod stopping;
mod tokens;

// The providers that plugins talk to.
#[path = "../stand_ins/instagram.rs"]
mod instagram;
#[path = "../stand_ins/postgres.rs"]
mod postgres;
#[path = "../stand_ins/redis.rs"]
mod redis;
#[path = "../stand_ins/telegram.rs"]
mod telegram;
