//! The database of the chat service. A step that has been released is never changed; a change is a new step.

use causeway_kit::store::{Migration, Schema};

/// All steps, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "chat",
        sql: include_str!("../migrations/0001_chat.sql"),
        postgres: include_str!("../migrations/0001_chat_postgres.sql"),
    },
    Migration {
        version: 2,
        name: "channels",
        sql: include_str!("../migrations/0002_channels.sql"),
        postgres: "",
    },
    Migration {
        version: 3,
        name: "checksums",
        sql: include_str!("../migrations/0003_checksums.sql"),
        postgres: "",
    },
];

/// The whole of it, for whoever brings it from one database to another.
pub const SCHEMA: Schema = Schema {
    name: "chat",
    migrations: MIGRATIONS,
    derived: &["search_index"],
    made: &[],
    after_transfer: "UPDATE search_index SET message_id = 0; DELETE FROM message_text",
};
