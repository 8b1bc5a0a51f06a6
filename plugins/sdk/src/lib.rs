//! What the author of an integration depends on.
//!
//! A [`Plugin`] says who it is; [`Plugin::attach`] opens the stream to its host, and the [`Attachment`] carries events in
//! and deliveries out, within the credit that each side gives the other. The protocol itself is documented in
//! `proto/causeway/plugin/v1/plugin.proto`; start reading in [`attach`].
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use causeway_plugin_sdk::{Incoming, Plugin};
//! use causeway_proto::{
//!     client::{Credential, remote},
//!     plugin::{Capabilities, PluginKind},
//! };
//!
//! let credential = Credential::bearer("the plugin's own token").ok_or("not a token")?;
//! let plugin = Plugin::new("echo", "1.0.0", PluginKind::Channel, Capabilities::default());
//! let mut host = plugin.attach(remote("http://127.0.0.1:8001", credential)?).await?;
//! while let Some(incoming) = host.next().await? {
//!     match incoming {
//!         Incoming::Delivery(delivery) => println!("to {}: {}", delivery.customer_id, delivery.text),
//!         Incoming::Outcome(outcome) => println!("{} is settled", outcome.settled_through),
//!         Incoming::Drain(_) => break,
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub mod attach;

pub use attach::{AttachError, Attachment, Incoming, Plugin};
