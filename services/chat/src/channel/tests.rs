//! What plugins do with conversations, tried on a store: events go in by [`ChannelDesk`], deliveries come out of the outbox.

mod agents;
mod changes;
mod inbound;
mod outbound;
mod stage;
