//! What the parts of Causeway say to each other, and nothing else.
//!
//! The `.proto` files under `causeway/` are the reference: every field, unit, limit and error stands there. This crate holds the
//! types generated from them, and the few rules that both ends of a call must share: [`client`] (how a client reaches a service),
//! [`tls`] (whom it trusts then), [`peer`] (who calls whom, and whether they fit), [`deadline`] (how long a call may take),
//! [`id`] (canonical ids and their UUID forms), [`topic`] (names of topics), [`time`] (wall clock and RFC 3339) and [`user`] (the
//! name to show).

/// The generated types, nested as the protobuf packages are, because they name each other so.
mod causeway {
    #![expect(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        rustdoc::invalid_html_tags,
        reason = "generated; the .proto files are documented"
    )]
    pub mod event {
        pub mod v1 {
            tonic::include_proto!("causeway.event.v1");
        }
    }
    pub mod chat {
        pub mod v1 {
            tonic::include_proto!("causeway.chat.v1");
        }
    }
    pub mod notification {
        pub mod v1 {
            tonic::include_proto!("causeway.notification.v1");
        }
    }
    pub mod presence {
        pub mod v1 {
            tonic::include_proto!("causeway.presence.v1");
        }
    }
    pub mod plugin {
        pub mod v1 {
            tonic::include_proto!("causeway.plugin.v1");
        }
    }
}

/// `causeway.chat.v1`: conversations, messages, users and audiences.
pub use causeway::chat::v1 as chat;
/// `causeway.event.v1`: events, topics and the subscription stream.
pub use causeway::event::v1 as event;
/// `causeway.notification.v1`: notifications and bulk messages.
pub use causeway::notification::v1 as notification;
/// `causeway.plugin.v1`: how integrations attach.
pub use causeway::plugin::v1 as plugin;
/// `causeway.presence.v1`: who is online and who types.
pub use causeway::presence::v1 as presence;

pub mod client;
pub mod deadline;
pub mod id;
pub mod peer;
pub mod time;
pub mod tls;
pub mod topic;
pub mod user;

/// The encoded descriptors of all packages, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/causeway.binpb"));
