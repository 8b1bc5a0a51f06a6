//! `tls = { … }`: the certificate of a listener.

use std::path::PathBuf;

use serde::Deserialize;

use crate::section::Invalid;

/// A listener's certificate and its key, each in a PEM file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The certificate, and behind it those that it was issued with.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Certificates of which one must have signed that of a client; `None`: clients need none.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

impl TlsSettings {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        named("cert_file", Some(&self.cert_file))?;
        named("key_file", Some(&self.key_file))?;
        named("client_ca_file", self.client_ca_file.as_ref())
    }
}

/// A file that is set has a name.
pub(crate) fn named(key: &str, file: Option<&PathBuf>) -> Result<(), Invalid> {
    match file {
        Some(file) if file.as_os_str().is_empty() => Err(Invalid::new(key, "names no file", "a file in PEM")),
        Some(_) | None => Ok(()),
    }
}
