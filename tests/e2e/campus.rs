//! The dialect `campus`: a personal room for direct messages, and notices. Refusals before the upgrade.

mod chat;
mod notifications;

/// The path of the personal room.
const CHAT: &str = "/ws/chat/";
/// The path of the notices.
const NOTIFICATIONS: &str = "/ws/notifications/";
