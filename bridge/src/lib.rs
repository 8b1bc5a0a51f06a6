//! The WebSocket edge.
//!
//! A frame's way: `connection` reads it, the dialect decodes it into a [`command`], the session decides, `backend` calls
//! the service. An event's way back: `fanout` takes it from the service's stream, encodes it once for each dialect, and puts
//! it into the mailbox of every socket that wants it; `connection` writes it.

pub mod command;
pub mod dialect;
pub mod fault;
