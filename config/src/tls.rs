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
}

impl TlsSettings {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        for (key, file) in [("cert_file", &self.cert_file), ("key_file", &self.key_file)] {
            if file.as_os_str().is_empty() {
                return Err(Invalid::new(key, "names no file", "a file in PEM"));
            }
        }
        Ok(())
    }
}
