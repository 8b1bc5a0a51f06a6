//! The tables of the notification service.

use causeway_kit::store::{Migration, Schema};

/// Every version of the schema, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "notifications",
        sql: include_str!("schema/1_notifications.sql"),
        postgres: "",
    },
    Migration { version: 2, name: "notices", sql: include_str!("schema/2_notices.sql"), postgres: "" },
];

/// The whole of it, for whoever brings it from one database to another.
pub const SCHEMA: Schema =
    Schema { name: "notification", migrations: MIGRATIONS, derived: &[], made: &[], after_transfer: "" };
