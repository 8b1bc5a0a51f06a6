//! An authority of a test, and what it has signed.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use causeway_proto::tls::{ALPN, trusting};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// `ca.pem`, and a certificate of its for this machine: `cert.pem` and `key.pem`.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("certificates-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let files = Self(dir.unwrap());
        files.issue();
        files
    }

    /// Makes another authority, and another certificate.
    pub(super) fn issue(&self) {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority of a test");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let params = CertificateParams::new(names).unwrap();
        let cert = params.signed_by(&key, &authority).unwrap();
        self.write("ca.pem", &authority.pem());
        self.write("cert.pem", &cert.pem());
        self.write("key.pem", &key.serialize_pem());
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as an argument of a command.
    pub(super) fn named(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// Keeps a file under another name.
    pub(super) fn keep(&self, name: &str, kept: &str) -> PathBuf {
        fs::copy(self.at(name), self.at(kept)).unwrap();
        self.at(kept)
    }
}

/// Whether a listener shows a certificate that one in this file has signed.
pub(super) async fn trusts(at: SocketAddr, ca_file: &Path) -> bool {
    let mut config = trusting(Some(ca_file)).unwrap().with_no_client_auth();
    config.alpn_protocols = [ALPN, b"http/1.1"].map(<[u8]>::to_owned).to_vec();
    let stream = TcpStream::connect(at).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect("127.0.0.1".try_into().unwrap(), stream).await.is_ok()
}
