//! Plugins from outside: providers are stand-ins of which the plugins know nothing, and frontends see what they see.

mod agents;
mod crashes;
mod in_instagram;
mod in_telegram;
mod notices;
mod operators;
mod stage;
