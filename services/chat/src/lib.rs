//! Users, audiences, conversations and messages.
