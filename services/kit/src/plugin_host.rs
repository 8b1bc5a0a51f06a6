//! Hosts plugins: the host's side of the attach protocol, the same for every service.
//!
//! What the protocol asks stands in `proto/causeway/plugin/v1/plugin.proto`. A service implements [`Desk`], makes a [`Host`] of
//! it and of its store, and hands that over in its [`crate::Part`]; it owes its plugins deliveries with [`owe`].
//!
//! The way of an event: `service` (the door) → `hello` (who is it?) → `session` (what is said is told apart) → `intake` (batches,
//! in the order that `settling` allows) → `apply` (one event in a job of the store) → [`Desk::apply`] → outcome. The way of a
//! delivery: [`owe`] → the outbox's lines (`store/line.rs`) → `dispatch` → [`Desk::prepare`] → the plugin → `report` →
//! [`Desk::note`]. Beside them: `credentials` and `registry` (what is stored of plugins), `in_hand` (who has which delivery),
//! `place` (which process has which plugin), `dismissal` (why an attachment ends), `operators` (what people see and do).
//!
//! To host another kind of plugin: name it in `PluginKind`, and answer for it in a [`Desk`].

mod answers;
mod apply;
mod credentials;
mod desk;
mod dismissal;
mod dispatch;
mod gauges;
mod hello;
mod host;
mod in_hand;
mod intake;
mod live;
pub(crate) mod measure;
mod operators;
mod pace;
mod place;
mod registry;
mod report;
mod service;
mod session;
mod settling;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Owed, Prepared, Progress, Verdict, is_in_hand, names, owe};
pub use host::{Host, Options};
pub(crate) use operators::Operators;
pub(crate) use service::Door;
