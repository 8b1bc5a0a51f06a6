//! Files that cannot be used. Connections are tried in `services/kit`, where there is a listener.

use std::{fs, path::Path};

use super::*;

fn certified(dir: &Path) -> Identity {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let identity = Identity { cert_file: dir.join("cert.pem"), key_file: dir.join("key.pem") };
    fs::write(&identity.cert_file, made.cert.pem()).unwrap();
    fs::write(&identity.key_file, made.signing_key.serialize_pem()).unwrap();
    identity
}

#[test]
fn what_cannot_be_used_is_named_by_its_setting_and_file() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (good, foreign) = (certified(dir.path()), certified(other.path()));
    let gone = dir.path().join("gone.pem");
    let trusting = |file: &PathBuf| TlsOptions { ca_file: Some(file.clone()), ..TlsOptions::default() };
    let showing = |cert_file: &PathBuf, key_file: &PathBuf| TlsOptions {
        identity: Some(Identity { cert_file: cert_file.clone(), key_file: key_file.clone() }),
        ..trusting(&good.cert_file)
    };
    for (options, wanted) in [
        (trusting(&gone), "ca_file: "),
        (trusting(&good.key_file), "no certificate in PEM"),
        (showing(&gone, &good.key_file), "cert_file: "),
        (showing(&good.cert_file, &good.cert_file), "key_file: "),
        (showing(&good.cert_file, &foreign.key_file), "does not go with the certificate"),
    ] {
        let error = ClientTls::load(&options).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains(".pem"), "{error}");
    }
    ClientTls::load(&showing(&good.cert_file, &good.key_file)).unwrap();
}

#[test]
fn whom_the_system_trusts_is_looked_up_when_it_is_needed() {
    let tls = ClientTls::load(&TlsOptions::default()).unwrap();
    assert!(tls.0.read().unwrap().config.is_none());
}

#[test]
fn clones_are_replaced_together() {
    let dir = tempfile::tempdir().unwrap();
    let tls = ClientTls::default();
    let clone = tls.clone();
    let ca_file = Some(certified(dir.path()).cert_file);
    let server_name = Some("chat.internal".to_owned());
    tls.replace(&ClientTls::load(&TlsOptions { ca_file, server_name, identity: None }).unwrap());
    assert_eq!(clone.now().unwrap().1.as_deref(), Some("chat.internal"));
}
