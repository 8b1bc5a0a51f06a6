//! The small language that the tests are written in: start a Causeway, put people into conversations, open sockets as they
//! do, send and expect. Start with `causeway` and `client`.

pub(crate) mod causeway;
pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod knock;
pub(crate) mod pair;
pub(crate) mod pattern;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod replicas;
pub(crate) mod setup;

pub(crate) use causeway::{Causeway, eventually};
pub(crate) use client::{Client, Seen};
pub(crate) use knock::with_token;
pub(crate) use pair::Pair;
pub(crate) use pattern::{DIGITS, INTEGER, STRING, TIME, TIME_OFFSET, UUID};
pub(crate) use people::{Person, fresh_id};
pub(crate) use setup::Setup;
