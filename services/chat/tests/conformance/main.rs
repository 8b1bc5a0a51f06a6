//! What the chat service promises in its `.proto` files, tried through the gRPC services on a store of its own for each test.
//! Start with [`stage`], which is the language that the tests are written in.

#![expect(clippy::unwrap_used, reason = "tests")]

mod away;
mod conversations;
mod directory;
mod editing;
mod history;
mod idempotency;
mod ids;
mod lists;
mod membership;
mod reading;
mod restart;
mod searching;
mod sending;
mod stage;
mod support;
