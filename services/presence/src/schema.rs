//! The tables of the presence service.

use causeway_kit::store::Migration;

/// Every version of the schema, in order.
pub(crate) const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "seen", sql: include_str!("schema/1_seen.sql") }];
