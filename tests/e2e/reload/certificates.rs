//! Certificates of the WebSocket listener.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::CertificateDer};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::{answers, reloaded, scene};
use crate::stage::{Setup, with_token};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Makes a certificate for `localhost` in place of the one before.
fn certify(home: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(home.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(home.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Opens a socket that trusts only this certificate.
async fn open(at: SocketAddr, path: &str, trusted: &CertificateDer<'static>) -> Option<Socket> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (stream, connector) = (TcpStream::connect(at).await.unwrap(), TlsConnector::from(Arc::new(config)));
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.ok()?;
    Some(client_async(format!("ws://localhost{path}"), stream).await.unwrap().0)
}

/// Whether the next message is this one.
async fn hears(socket: &mut Socket, content: &str) {
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Message::Text(text) = message else { continue };
        let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
        if frame["type"] == "message" {
            return assert_eq!(frame["message"]["content"], content);
        }
    }
}

#[tokio::test]
async fn certificates_are_replaced_and_no_socket_is_dropped() {
    let (causeway, alice, path) = scene(Setup::default()).await;
    let path = with_token(&path, &causeway.token(&alice.id).await);
    let mut in_the_clear = causeway.open("Alice", &path).await;
    let old = certify(causeway.home());
    causeway.rewrite("bridge.tls = { cert_file = \"cert.pem\", key_file = \"key.pem\" }\n");
    reloaded(&causeway).await;
    let mut before = open(causeway.at.bridge, &path, &old).await.unwrap();

    let new = certify(causeway.home());
    assert!(open(causeway.at.bridge, &path, &new).await.is_none(), "nobody has asked it to read the files");
    reloaded(&causeway).await;
    assert!(open(causeway.at.bridge, &path, &old).await.is_none());
    let mut after = open(causeway.at.bridge, &path, &new).await.unwrap();
    let hello = json!({"type": "message", "content": "hello"});
    after.send(Message::text(hello.to_string())).await.unwrap();
    hears(&mut before, "hello").await;
    hears(&mut after, "hello").await;
    assert_eq!(in_the_clear.expect("message").await["message"]["content"], "hello");
    answers(&mut in_the_clear).await;
}
