//! Clients of services that have several endpoints. [`Reach`] makes a [`Link`] from what the configuration says.
//!
//! A call passes, from the outside in: `link` (credential and version), `timeout` (its deadline), `breaker` (is the service
//! there at all?), `retry` (which endpoint, and once more elsewhere?), `attempt` (the call on one endpoint). The endpoints are
//! kept by `pool`, which knows what `probe` was told by each and what `outlier` makes of failures; `tend` keeps both up to date.
//! `inspect` looks at them from outside.

mod attempt;
mod breaker;
mod budget;
mod endpoint;
mod inspect;
mod link;
mod methods;
mod metrics;
mod outlier;
mod pool;
mod probe;
mod resolver;
mod retry;
mod settings;
mod targets;
mod tend;
mod timeout;
mod verdict;

#[cfg(test)]
mod tests;

pub use inspect::{Condition, Inspected};
pub use link::{Link, Reach, Service, Versions};
pub use methods::Keyed;
pub use metrics::Metrics;
pub use pool::Connect;
pub use resolver::{Resolve, System};
pub use settings::Settings;
pub use targets::{Name, Targets, TargetsError};
