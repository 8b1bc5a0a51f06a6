//! SQLite in a file: one writer, which commits in groups, and a few readers.
//!
//! `open` has files, lock and pragmas, `engine` and `folder` the writer's side, `reader` the readers', `mark` what
//! tells a file that was cut, `statements` what both run, and
//! `tables` what is in a file.

mod engine;
mod folder;
mod mark;
mod open;
mod reader;
mod statements;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use open::{lend, open};
pub(super) use tables::{Table, tables};
