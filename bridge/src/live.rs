//! What can be changed while the bridge runs: who may come in, how much everybody may take, and the certificate. Whoever needs
//! it reads [`Shared::live`](crate::shared::Shared::live) each time, so a change is good from the next socket or frame on;
//! sockets that are open stay open.

use std::{path::Path, sync::Arc};

use causeway_config::{AuthSettings, BridgeSettings};
use causeway_proto::time::Clock;
use rustls::ServerConfig;
use tokio::sync::watch;

use crate::{
    auth::{Auth, AuthSetupError},
    limits::Caps,
    origin::Origins,
};

/// As the settings have it at one moment. It is made as a whole or not at all, so what is wrong changes nothing.
#[derive(Debug)]
pub struct Live {
    pub(crate) auth: Auth,
    pub(crate) origins: Origins,
    pub(crate) caps: Caps,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// How a bridge is told of changes.
pub type LiveSettings = watch::Receiver<Arc<Live>>;

impl Live {
    /// Reads the keys that `auth` names; where it names none, the one in `signing_key`. Fails when one cannot be used.
    pub fn load(
        bridge: &BridgeSettings,
        auth: &AuthSettings,
        signing_key: &Path,
        clock: Clock,
    ) -> Result<Self, AuthSetupError> {
        Ok(Self {
            auth: Auth::load(auth, signing_key, clock)?,
            origins: Origins::new(bridge.origins.clone(), bridge.allow_localhost_origins),
            caps: Caps::from(bridge),
            tls: None,
        })
    }

    /// Connections are over TLS.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { tls, ..self }
    }
}
