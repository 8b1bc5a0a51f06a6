//! The database of the chat service. A step that has been released is never changed; a change is a new step.

use causeway_kit::store::Migration;

/// All steps, oldest first.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "chat", sql: include_str!("../migrations/0001_chat.sql") },
    Migration { version: 2, name: "channels", sql: include_str!("../migrations/0002_channels.sql") },
];
