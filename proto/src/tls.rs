//! TLS as clients of services have it: whom they trust, what they show, and which name a certificate must be for.
//!
//! [`ClientTls`] is made from files ([`TlsOptions`]) and can be replaced under clients that are in use. `dial` makes the
//! connections, which are `heard`; `problem` says in a line what came of one that could not be made, and [`pem`] reads
//! certificates, for listeners too. One crypto library everywhere: aws-lc-rs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{ClientConfig, ConfigBuilder, client::WantsClientCert, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

pub(crate) mod dial;
pub(crate) mod heard;
pub mod pem;
pub(crate) mod problem;
#[cfg(test)]
mod tests;

pub use pem::TlsError;
pub use problem::problem;

/// What gRPC is in the protocol negotiation of TLS (RFC 7301).
pub const ALPN: &[u8] = b"h2";

/// What a client's connections are made with. The default trusts whom the system trusts, and shows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Root certificates in PEM, instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// What is shown to servers that ask for it.
    pub identity: Option<Identity>,
    /// The name that servers' certificates must be for, instead of the one in the URL.
    pub server_name: Option<String>,
}

/// A certificate and its key, each in a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and behind it those that it was issued with.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// How connections over TLS are made. Cloning is cheap; clones are replaced together.
#[derive(Clone, Default)]
pub struct ClientTls(Arc<RwLock<Way>>);

#[derive(Clone, Default)]
struct Way {
    /// `None`: the system's roots, which are read when they are needed first.
    config: Option<Arc<ClientConfig>>,
    server_name: Option<String>,
}

impl ClientTls {
    /// Reads the files. Fails when one cannot be read, or certificate and key do not belong together.
    pub fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let is_usual = options.ca_file.is_none() && options.identity.is_none();
        let config = if is_usual { None } else { Some(Arc::new(config(options)?)) };
        let way = Way { config, server_name: options.server_name.clone() };
        Ok(Self(Arc::new(RwLock::new(way))))
    }

    /// From the next connection on, connections are made as `other` makes them.
    pub fn replace(&self, other: &Self) {
        let way = other.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = way;
    }

    /// What a connection is made with now, and the name that it must be to, where that is set.
    fn now(&self) -> Result<(Arc<ClientConfig>, Option<String>), TlsError> {
        let Way { config: known, server_name } =
            self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let config = match known {
            Some(config) => config,
            None => {
                let config = Arc::new(config(&TlsOptions::default())?);
                let mut way = self.0.write().unwrap_or_else(PoisonError::into_inner);
                way.config.get_or_insert(config).clone()
            }
        };
        Ok((config, server_name))
    }
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls")
    }
}

fn config(options: &TlsOptions) -> Result<ClientConfig, TlsError> {
    let builder = trusting(options.ca_file.as_deref())?;
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(Identity { cert_file, key_file }) => {
            let chain = pem::certificates("cert_file", cert_file)?;
            let key = pem::private_key("key_file", key_file)?;
            let made = builder.with_client_auth_cert(chain, key);
            made.map_err(|error| pem::misfit("key_file", key_file, &error))?
        }
    };
    config.alpn_protocols = vec![ALPN.to_owned()];
    Ok(config)
}

/// The first half of every client's configuration, of whatever is spoken over it: trusts the certificates in a file, or those that
/// the system trusts.
pub fn trusting(ca_file: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::system(&error))?;
    match ca_file {
        Some(file) => Ok(builder.with_root_certificates(pem::roots("ca_file", file)?)),
        None => builder.with_platform_verifier().map_err(|error| TlsError::system(&error)),
    }
}
