//! Schemas: what is done to a database, step by step, and never undone.

/// What a store is made of.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The store's name.
    pub name: &'static str,
    /// The steps of its tables, after the kit's own.
    pub migrations: &'static [Migration],
    /// Tables that follow from others, and are not brought from one database to another.
    pub derived: &'static [&'static str],
    /// Tables that have rows from the beginning.
    pub made: &'static [&'static str],
    /// Statements that make the derived tables anew.
    pub after_transfer: &'static str,
}

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// From 1, without a gap.
    pub version: u32,
    /// What it does, in a word.
    pub name: &'static str,
    /// Statements, separated by semicolons.
    pub sql: &'static str,
    /// What PostgreSQL has in place of their virtual tables; mostly nothing.
    pub postgres: &'static str,
}

/// The kit's own tables.
pub(super) const KIT: &[Migration] = &[
    Migration { version: 1, name: "log and outbox", sql: include_str!("migrations/0001.sql"), postgres: "" },
    Migration { version: 2, name: "plugins", sql: include_str!("migrations/0002.sql"), postgres: "" },
    Migration { version: 3, name: "leases", sql: include_str!("migrations/0003.sql"), postgres: "" },
    Migration { version: 4, name: "checksums", sql: include_str!("migrations/0004.sql"), postgres: "" },
];
