//! The tests of the ledger's checker. The fault harness itself is no place for them: it has a `main` of its own.
#![allow(dead_code, unused_imports, reason = "the tests need the checker only")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod ledger;
#[path = "ledger/tests.rs"]
mod tests;
