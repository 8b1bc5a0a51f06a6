//! Certificates: what the listeners show their clients, and what our calls to services trust and show. All are read from files,
//! at the start and at each reload.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use causeway_config::{ClientSettings, Settings, TlsSettings};
use causeway_kit::server::Certificate;
use causeway_proto::tls::{ALPN, ClientTls, Identity, TlsError, TlsOptions, pem};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::sync::watch;

use crate::{failure::Usage, reload::Reloads};

/// What calls to services that have TLS are made with.
const OF_CALLS: [&str; 4] = [
    "services.client.ca_file",
    "services.client.cert_file",
    "services.client.key_file",
    "services.client.server_name",
];

/// What a listener shows its clients; `key` is where the settings have it, `protocol` what is spoken over it (RFC 7301).
/// Fails when a file cannot be read, or the two do not belong together.
pub(crate) fn load(
    settings: Option<&TlsSettings>,
    key: &str,
    protocol: &[u8],
) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let Some(settings) = settings else { return Ok(None) };
    let mut config = read(settings).map_err(|error| Usage::error(format!("{key}.{error:#}")))?;
    config.alpn_protocols = vec![protocol.to_owned()];
    Ok(Some(Arc::new(config)))
}

fn read(settings: &TlsSettings) -> anyhow::Result<ServerConfig> {
    let TlsSettings { cert_file, key_file, client_ca_file } = settings;
    let chain = pem::certificates("cert_file", cert_file)?;
    let private = pem::private_key("key_file", key_file)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?;
    let builder = match client_ca_file {
        None => builder.with_no_client_auth(),
        Some(file) => builder.with_client_cert_verifier(signed_by(file)?),
    };
    let config = builder.with_single_cert(chain, private);
    Ok(config.map_err(|error| pem::misfit("key_file", key_file, &error))?)
}

/// Lets in whoever has a certificate that one of these has signed.
fn signed_by(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    const KEY: &str = "client_ca_file";
    let roots = Arc::new(pem::roots(KEY, file)?);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
    verifier.map_err(|error| TlsError::File { key: KEY, file: file.to_owned(), problem: error.to_string() })
}

/// What the gRPC listeners show, now and after each reload; `None`: they have no TLS.
pub(crate) fn of_services(settings: &Settings, reloads: &mut Reloads) -> anyhow::Result<Option<Certificate>> {
    const KEY: &str = "services.tls";
    let load = |settings: &Settings| load(settings.services.tls.as_ref(), KEY, ALPN);
    let Some(config) = load(settings)? else { return Ok(None) };
    let (publish, certificate) = watch::channel(config);
    reloads.add(&[KEY], move |settings| {
        // Those who call would go on with TLS: their URLs need a restart, too.
        let ends = || Usage::error(format!("{KEY} is gone: listeners that have TLS keep it until a restart"));
        let (publish, config) = (publish.clone(), load(settings)?.ok_or_else(ends)?);
        Ok(Box::new(move || drop(publish.send_replace(config))))
    });
    Ok(Some(certificate))
}

/// What calls to services are made with, now and after each reload.
pub(crate) fn of_calls(settings: &Settings, reloads: &mut Reloads) -> anyhow::Result<ClientTls> {
    let tls = client(&settings.services.client)?;
    let replaced = tls.clone();
    reloads.add(&OF_CALLS, move |settings| {
        let (tls, new) = (replaced.clone(), client(&settings.services.client)?);
        Ok(Box::new(move || tls.replace(&new)))
    });
    Ok(tls)
}

/// What calls to services are made with. Fails when a file cannot be read.
pub(crate) fn client(settings: &ClientSettings) -> anyhow::Result<ClientTls> {
    let ClientSettings { ca_file, cert_file, key_file, server_name, .. } = settings.clone();
    let identity = cert_file.zip(key_file).map(|(cert_file, key_file)| Identity { cert_file, key_file });
    ClientTls::load(&TlsOptions { ca_file, identity, server_name })
        .map_err(|error| Usage::error(format!("services.client.{error}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn certified(dir: &Path) -> TlsSettings {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| dir.join(name));
        let settings = TlsSettings { cert_file, key_file, client_ca_file: None };
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
            (TlsSettings { key_file: gone.clone(), ..good.clone() }, "bridge.tls.key_file: "),
            (TlsSettings { client_ca_file: Some(gone), ..good.clone() }, "bridge.tls.client_ca_file: "),
            (TlsSettings { cert_file: good.key_file.clone(), ..good.clone() }, "no certificate in PEM"),
            (TlsSettings { key_file: foreign.key_file, ..good }, "does not go with the certificate"),
        ] {
            let error = load(Some(&settings), "bridge.tls", b"http/1.1").unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert_eq!(crate::failure::exit_code(&error), 2);
        }
    }
}
