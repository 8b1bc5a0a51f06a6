//! The tables of the notification service.

use causeway_kit::store::Migration;

/// Every version of the schema, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "notifications", sql: include_str!("schema/1_notifications.sql") },
    Migration { version: 2, name: "notices", sql: include_str!("schema/2_notices.sql") },
];
