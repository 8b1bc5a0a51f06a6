//! The host as plugins and operators see it.

mod deliveries;
mod events;
mod moves;
mod operators;
mod places;
mod stage;
