//! The edge over TLS.

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio_rustls::TlsConnector;

use super::*;

/// A server's certificate for `localhost`, and a client that trusts it.
fn certified() -> (Arc<ServerConfig>, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) =
        (made.cert.der().clone(), PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut trusted = RootCertStore::empty();
    trusted.add(cert.clone()).unwrap();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key);
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    (Arc::new(server.unwrap()), Arc::new(client).into())
}

async fn alive(stage: &Stage, connector: &TlsConnector) -> io::Result<String> {
    let client = stage.connect().await;
    let mut client = connector.connect("localhost".try_into().unwrap(), client).await?;
    client.write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn over_tls_it_answers_as_without() {
    let (server, connector) = certified();
    let stage = Stage::new().await;
    stage.encrypt(Some(server));
    let answer = alive(&stage, &connector).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(stage.get("/healthz", "").await.find("HTTP"), None, "nothing is said in the clear");
}

#[tokio::test]
async fn another_certificate_is_good_from_the_next_connection_on() {
    let ((old, trusts_old), (new, trusts_new)) = (certified(), certified());
    let stage = Stage::new().await;
    stage.encrypt(Some(old));
    assert!(alive(&stage, &trusts_old).await.is_ok());
    stage.encrypt(Some(new));
    assert!(alive(&stage, &trusts_old).await.is_err());
    assert!(alive(&stage, &trusts_new).await.is_ok());
    stage.encrypt(None);
    assert!(stage.get("/healthz", "").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_the_handshake_is_cut_off() {
    let (server, _) = certified();
    let stage = Stage::new().await;
    stage.encrypt(Some(server));
    let mut client = stage.connect().await;
    client.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let begun = Instant::now();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    assert_eq!((answer.len(), begun.elapsed().as_secs()), (0, 5));
    stage.quiet().await;
}
