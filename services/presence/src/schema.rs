//! The tables of the presence service.

use causeway_kit::store::{Migration, Schema};

/// Every version of the schema, in order.
pub(crate) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "seen", sql: include_str!("schema/1_seen.sql"), postgres: "" }];

/// The whole of it, for whoever brings it from one database to another.
pub const SCHEMA: Schema =
    Schema { name: "presence", migrations: MIGRATIONS, derived: &[], made: &["pulse"], after_transfer: "" };
