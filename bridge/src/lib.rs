//! The WebSocket edge. [`Bridge`] puts it together.
//!
//! A frame's way: `connection` reads it, the [`dialect`] decodes it into a [`command`], the `session`
//! decides, `backend` calls the service. An event's way back: `fanout` takes it from the service's
//! stream, encodes it once for each dialect, and puts it into the mailbox of every socket that wants it;
//! `connection` writes it.
//!
//! Before there is a socket, `listener` accepts a connection, `handshake` finds out whose it is and where
//! it wants to go, and `opening` joins what it is to hear.

pub mod auth;
pub mod command;
pub mod dialect;
pub mod fault;

mod backend;
mod backoff;
mod bridge;
mod connection;
mod cursor;
mod fanout;
mod farewell;
mod handshake;
mod head;
mod http;
mod limits;
mod listener;
mod live;
mod metrics;
mod mount;
mod opening;
mod origin;
mod presence;
mod session;
mod settings;
mod shared;
mod turns;

pub use crate::{
    backend::{ServiceVersions, Services},
    bridge::{Bridge, Parts},
    limits::SharedLimits,
    listener::Incoming,
    live::{Live, LiveSettings},
    mount::{MountConflict, check as check_mounts},
};
