//! Notifications to users and audiences, and bulk messages in the background.
