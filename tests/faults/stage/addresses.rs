//! Where the parts of a deployment listen.

use std::net::SocketAddr;

use crate::process::free_address;

/// Where one of each part listens. More bridges or chats have addresses of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// WebSocket and HTTP.
    pub(crate) bridge: SocketAddr,
    /// Chat over gRPC; in one process all services.
    pub(crate) chat: SocketAddr,
    /// Notifications over gRPC.
    pub(crate) notification: SocketAddr,
    /// Presence over gRPC.
    pub(crate) presence: SocketAddr,
    /// Metrics.
    pub(crate) admin: SocketAddr,
}

impl Addresses {
    /// Free ones, one for all services.
    pub(crate) fn of_one_process() -> Self {
        let chat = free_address();
        let (bridge, admin) = (free_address(), free_address());
        Self { bridge, chat, notification: chat, presence: chat, admin }
    }

    /// Free ones, one for each service.
    pub(crate) fn of_parts() -> Self {
        let (notification, presence) = (free_address(), free_address());
        Self { notification, presence, ..Self::of_one_process() }
    }

    /// The settings that say so to every part.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let Self { bridge, chat, notification, presence, admin } = self;
        let mut settings = vec![
            ("bridge.listen".to_owned(), bridge.to_string()),
            ("admin.listen".to_owned(), admin.to_string()),
            ("services.grpc_listen".to_owned(), chat.to_string()),
        ];
        for (name, at) in [("chat", chat), ("notification", notification), ("presence", presence)] {
            settings.push((format!("services.{name}.listen"), at.to_string()));
            settings.push((format!("services.{name}.url"), format!("http://{at}")));
        }
        settings
    }
}
