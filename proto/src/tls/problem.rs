//! What went wrong with a connection, in a line that names the way out.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError, Error as Tls, pki_types::ServerName};

use super::{heard::refuses, pem::TlsError};

/// A connection was made, and its handshake failed.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub(super) struct HandshakeError {
    /// The URL.
    place: String,
    problem: String,
    source: io::Error,
}

impl HandshakeError {
    pub(super) fn new(place: String, name: &str, source: io::Error) -> Self {
        Self { place, problem: of_handshake(name, &source), source }
    }
}

/// A call failed for a reason that its error does not have.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Explained {
    pub(crate) problem: String,
    pub(crate) source: tonic::transport::Error,
}

/// What a client is told whose certificate is not taken, behind where it called.
pub(super) const UNKNOWN_CLIENT: &str =
    "it wants a certificate of its clients, and does not take ours: see cert_file and key_file";

/// What TLS has to do with a call's failure, if anything: where it went, what is wrong, and the way out.
pub fn problem(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Explained>() || error.is::<HandshakeError>() || error.is::<TlsError>() {
            return Some(error.to_string());
        }
        cause = error.source();
    }
    None
}

/// Why a handshake failed with a server that should be called `name`.
fn of_handshake(name: &str, error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    match tls {
        Some(Tls::InvalidCertificate(wrong)) => of_certificate(name, wrong),
        Some(Tls::InvalidMessage(_)) => no_tls(),
        Some(Tls::AlertReceived(AlertDescription::NoApplicationProtocol) | Tls::NoApplicationProtocol) => {
            "it has TLS, but not for gRPC: is it another listener?".to_owned()
        }
        Some(Tls::AlertReceived(alert)) if refuses(*alert) => UNKNOWN_CLIENT.to_owned(),
        Some(other) => format!("the TLS handshake failed: {other}"),
        None if is_hang_up(error) => no_tls(),
        None if ServerName::try_from(name).is_err() => {
            format!("{name:?} is not a name that a certificate can be for")
        }
        None => format!("the TLS handshake failed: {error}"),
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn no_tls() -> String {
    "it does not answer as a server with TLS does: if it has none, write http (or dns:///)".to_owned()
}

fn of_certificate(name: &str, wrong: &CertificateError) -> String {
    match wrong {
        // The second: of a root certificate that is called the same.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is signed by nobody who is trusted here: name the root certificate as ca_file"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let presented = match wrong {
                CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
                    format!(
                        " but for {}",
                        presented.iter().map(|san| named(san)).collect::<Vec<_>>().join(", ")
                    )
                }
                _ => String::new(),
            };
            format!(
                "its certificate is not for {name}{presented}: call it by that name, or set server_name to it"
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or a clock is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not good yet, or a clock is wrong".to_owned()
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}

/// `DnsName("localhost")` is meant as `localhost`, and `IpAddress(127.0.0.1)` as `127.0.0.1`.
fn named(san: &str) -> &str {
    let inner = san.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(san).trim_matches('"')
}
