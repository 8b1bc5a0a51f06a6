//! Certificates of listeners, read from their files.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use causeway_config::TlsSettings;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::failure::Usage;

/// What a listener shows its clients; `key` is where the settings have it, `protocol` what is spoken over it (RFC 7301).
/// Fails when a file cannot be read, or the two do not belong together.
pub(crate) fn load(
    settings: Option<&TlsSettings>,
    key: &str,
    protocol: &[u8],
) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let Some(settings) = settings else { return Ok(None) };
    let mut config = read(settings, key).map_err(|error| Usage::error(format!("{error:#}")))?;
    config.alpn_protocols = vec![protocol.to_owned()];
    Ok(Some(Arc::new(config)))
}

fn read(TlsSettings { cert_file, key_file }: &TlsSettings, key: &str) -> anyhow::Result<ServerConfig> {
    let named = |name: &str, file: &Path| format!("{key}.{name}: {}", file.display());
    let chain = CertificateDer::pem_file_iter(cert_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| named("cert_file", cert_file))?;
    anyhow::ensure!(!chain.is_empty(), "{} has no certificate in PEM", named("cert_file", cert_file));
    let private = PrivateKeyDer::from_pem_file(key_file).with_context(|| named("key_file", key_file))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .with_context(|| format!("{} does not go with the certificate", named("key_file", key_file)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn certified(dir: &Path) -> TlsSettings {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let settings = TlsSettings { cert_file: dir.join("cert.pem"), key_file: dir.join("key.pem") };
        fs::write(&settings.cert_file, made.cert.pem()).unwrap();
        fs::write(&settings.key_file, made.signing_key.serialize_pem()).unwrap();
        settings
    }

    #[test]
    fn a_certificate_with_its_key_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let config = load(Some(&certified(dir.path())), "bridge.tls", b"http/1.1").unwrap().unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);
        assert!(load(None, "bridge.tls", b"http/1.1").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_key_and_file() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (good, foreign) = (certified(dir.path()), certified(other.path()));
        let gone = dir.path().join("gone.pem");
        for (settings, wanted) in [
            (TlsSettings { cert_file: gone.clone(), ..good.clone() }, "bridge.tls.cert_file: "),
            (TlsSettings { key_file: gone, ..good.clone() }, "bridge.tls.key_file: "),
            (TlsSettings { cert_file: good.key_file.clone(), ..good.clone() }, "no certificate in PEM"),
            (TlsSettings { key_file: foreign.key_file, ..good }, "does not go with the certificate"),
        ] {
            let error = load(Some(&settings), "bridge.tls", b"http/1.1").unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert_eq!(crate::failure::exit_code(&error), 2);
        }
    }
}
