//! Plugins of the chat service: channels, which carry messages between customers at a provider and support conversations, and
//! agents, which read what customers write and answer.
//!
//! [`ChannelDesk`] is what the plugin host asks; each of its questions is one job on the store. The way in: `inbound` tells
//! events apart, `written` stores messages by the way of every message ([`crate::post`]), `changes` and `receipts` do what
//! happens to them later (`early`: or before). The way out: `outbound` and `agents` owe deliveries in the transaction that causes
//! them, `prepare` says what to hand to the plugin when one is due (`parts`, `split`, `files`), `progress` notes how far it got.
//!
//! Stored are `customers` (who a provider's customer is here) and `known` (what the provider calls our messages); `guests` are
//! users of ours that nobody is: provider accounts and agents. `status` is how far messages got, whoever says so, and `typing`
//! is where to show that somebody types.

pub(crate) mod agents;
mod changes;
pub(crate) mod customers;
mod desk;
mod early;
mod files;
mod guests;
mod inbound;
mod known;
pub(crate) mod outbound;
mod parts;
mod prepare;
mod progress;
mod receipts;
mod split;
pub(crate) mod status;
#[cfg(test)]
mod tests;
pub(crate) mod typing;
mod written;

pub(crate) use desk::ChannelDesk;
