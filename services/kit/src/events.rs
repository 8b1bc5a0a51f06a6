//! Topics, and the server over which bridges subscribe to them and read what they missed.
//!
//! The log is the truth and the bus is only speed. A subscriber knows for each topic the last sequence number that it passed
//! on: the next one is passed on, one that it had is dropped, and before one further ahead it reads the log (`cursor`). A
//! topic whose newest event got lost on the bus is found by the sweep of `tend`, which every 2 s tells the subscribers
//! how far the topics go that moved; and much oftener while the bus says that it hears nothing from other processes. Durable
//! events are then late by that, and ephemeral ones of other processes are lost.
//!
//! A subscription is a stream that does its work when it is polled (`subscriber`); what waits for it is in its queue on the
//! bus, which is bounded. The files beside: `hub` (the topics of one service), `service` (gRPC) and `wire` (events go
//! out as the bytes that are in the log).

mod behind;
mod cursor;
mod hub;
pub(crate) mod measure;
mod read;
mod requests;
mod service;
mod settling;
mod subscriber;
mod tend;
#[cfg(test)]
mod tests;
mod wire;

pub use hub::Hub;
pub use service::EventsService;
