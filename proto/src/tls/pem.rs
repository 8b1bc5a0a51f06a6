//! Certificates and keys, read from PEM files (RFC 7468).

use std::path::{Path, PathBuf};

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

/// A file that TLS needs cannot be used. Holds nothing of what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{key}: {}: {problem}", file.display())]
    File {
        /// The setting that names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system's own certificates.
    #[error("the system's root certificates cannot be used, name others as ca_file: {0}")]
    System(String),
}

impl TlsError {
    pub(super) fn system(error: &rustls::Error) -> Self {
        Self::System(error.to_string())
    }

    fn file(key: &'static str, file: &Path, problem: impl Into<String>) -> Self {
        Self::File { key, file: file.to_owned(), problem: problem.into() }
    }
}

/// Every certificate in a file, of which there must be one; `key` is the setting that names it.
pub fn certificates(key: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| TlsError::file(key, file, said(&error)))?;
    if read.is_empty() { Err(TlsError::file(key, file, "it has no certificate in PEM")) } else { Ok(read) }
}

/// The private key in a file.
pub fn private_key(key: &'static str, file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| TlsError::file(key, file, said(&error)))
}

/// The certificates in a file, as those that are trusted to sign others.
pub fn roots(key: &'static str, file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, file)? {
        roots.add(certificate).map_err(|error| TlsError::file(key, file, error.to_string()))?;
    }
    Ok(roots)
}

/// A key that is not the certificate's.
pub fn misfit(key: &'static str, file: &Path, error: &rustls::Error) -> TlsError {
    TlsError::file(key, file, format!("it does not go with the certificate: {error}"))
}

/// Without what the library says for programmers.
fn said(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of the kind in PEM".to_owned(),
        other => format!("it is not PEM: {other:?}"),
    }
}
