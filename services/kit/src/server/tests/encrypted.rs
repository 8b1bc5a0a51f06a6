//! The listener over TLS, and what goes wrong between it and its clients.

use std::{fs, path::PathBuf, sync::Arc};

use causeway_proto::{
    client::{connect_over, signed},
    tls::{ALPN, ClientTls, Identity, TlsOptions, pem},
};
use rustls::{ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier};

use super::*;

/// A certificate for a name, signed by itself, and its key: in files and as a listener has it.
struct Certified {
    _dir: TempDir,
    identity: Identity,
}

impl Certified {
    fn new(name: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| dir.path().join(name));
        fs::write(&cert_file, made.cert.pem()).unwrap();
        fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
        Self { _dir: dir, identity: Identity { cert_file, key_file } }
    }

    fn ca_file(&self) -> Option<PathBuf> {
        Some(self.identity.cert_file.clone())
    }

    /// What a listener shows, which asks for certificates that `clients` has signed.
    fn server(&self, clients: Option<&Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(pem::roots("", &clients.identity.cert_file).unwrap());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let chain = pem::certificates("", &self.identity.cert_file).unwrap();
        let key = pem::private_key("", &self.identity.key_file).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![ALPN.to_owned()];
        Arc::new(config)
    }

    /// A client that trusts it.
    fn trusted(&self) -> ClientTls {
        ClientTls::load(&TlsOptions { ca_file: self.ca_file(), ..TlsOptions::default() }).unwrap()
    }
}

/// A listener over TLS on a port of its own.
async fn listen(
    process: &Process,
    config: Arc<ServerConfig>,
    limits: Limits,
) -> (u16, watch::Sender<Arc<ServerConfig>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (replace, certificate) = watch::channel(config);
    let (incoming, closing) = (TcpListenerStream::new(listener), process.context.closing.clone());
    let serving = serve_over(process.service.clone(), incoming, Some(certificate), limits, closing);
    process.context.tasks.spawn(serving);
    (port, replace)
}

fn grpc(url: &str, tls: &ClientTls, name: Option<&str>) -> Grpc {
    signed(connect_over(url, tls, name).unwrap(), credential(TOKEN))
}

/// What a call that comes to nothing is told.
async fn trouble(grpc: Grpc) -> String {
    let request = ReadRequest { source: Source::Presence.into(), ..ReadRequest::default() };
    let status = EventsClient::new(grpc).read(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    status.message().to_owned()
}

#[tokio::test]
async fn a_call_over_tls_is_answered_as_one_without() {
    let (process, certified) = (Process::start(), Certified::new("localhost"));
    let (port, _replace) = listen(&process, certified.server(None), Limits::default()).await;
    let url = format!("https://localhost:{port}");
    assert_eq!(read(grpc(&url, &certified.trusted(), None)).await, Ok(0));
    let guess = signed(connect_over(&url, &certified.trusted(), None).unwrap(), credential("guess"));
    assert_eq!(read(guess).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn the_certificate_is_for_the_name_and_not_for_the_address_behind_it() {
    let (process, certified) = (Process::start(), Certified::new("chat.internal"));
    let (port, _replace) = listen(&process, certified.server(None), Limits::default()).await;
    let url = format!("https://127.0.0.1:{port}");
    assert_eq!(read(grpc(&url, &certified.trusted(), Some("chat.internal"))).await, Ok(0));
    let told = trouble(grpc(&url, &certified.trusted(), None)).await;
    assert!(
        told.starts_with(&format!("{url}: its certificate is not for 127.0.0.1 but for chat.internal: ")),
        "{told}"
    );
    assert!(told.contains("server_name"), "{told}");
    let server_name = Some("chat.internal".to_owned());
    let options = TlsOptions { ca_file: certified.ca_file(), server_name, identity: None };
    assert_eq!(read(grpc(&url, &ClientTls::load(&options).unwrap(), Some("other"))).await, Ok(0));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusted_has_signed_is_told_with_the_way_out() {
    let (process, certified, other) =
        (Process::start(), Certified::new("localhost"), Certified::new("localhost"));
    let (port, _replace) = listen(&process, certified.server(None), Limits::default()).await;
    let url = format!("https://localhost:{port}");
    let told = trouble(grpc(&url, &other.trusted(), None)).await;
    assert!(
        told.starts_with(&url) && told.contains("nobody who is trusted") && told.contains("ca_file"),
        "{told}"
    );
}

#[tokio::test]
async fn who_has_tls_and_who_has_not_hear_it_from_each_other() {
    let (process, certified) = (Process::start(), Certified::new("localhost"));
    let (port, _replace) = listen(&process, certified.server(None), Limits::default()).await;
    let told = trouble(client::remote(&format!("http://127.0.0.1:{port}"), credential(TOKEN)).unwrap()).await;
    assert!(told.starts_with("http://127.0.0.1:") && told.contains("write https"), "{told}");
    let clear = process.listen(Limits::default()).await;
    let told = trouble(grpc(&format!("https://{clear}"), &certified.trusted(), None)).await;
    assert!(told.starts_with("https://127.0.0.1:") && told.contains("write http "), "{told}");
}

#[tokio::test]
async fn clients_show_a_certificate_where_one_is_asked_for() {
    let (process, certified, clients) =
        (Process::start(), Certified::new("localhost"), Certified::new("bridge"));
    let (port, _replace) = listen(&process, certified.server(Some(&clients)), Limits::default()).await;
    let url = format!("https://localhost:{port}");
    let showing = |identity: &Identity| {
        let identity = Some(identity.clone());
        ClientTls::load(&TlsOptions { ca_file: certified.ca_file(), identity, server_name: None }).unwrap()
    };
    assert_eq!(read(grpc(&url, &showing(&clients.identity), None)).await, Ok(0));
    for stranger in [certified.trusted(), showing(&certified.identity)] {
        let told = trouble(grpc(&url, &stranger, None)).await;
        assert!(told.contains("cert_file and key_file"), "{told}");
    }
}

#[tokio::test]
async fn another_certificate_is_good_from_the_next_connection_on() {
    let (process, old, new) = (Process::start(), Certified::new("localhost"), Certified::new("localhost"));
    let (port, replace) = listen(&process, old.server(None), Limits::default()).await;
    let url = format!("https://localhost:{port}");
    let before = grpc(&url, &old.trusted(), None);
    assert_eq!(read(before.clone()).await, Ok(0));
    replace.send_replace(new.server(None));
    assert_eq!(read(before).await, Ok(0), "what is open stays open");
    let tls = old.trusted();
    let after = grpc(&url, &tls, None);
    assert!(trouble(after.clone()).await.contains("nobody who is trusted"));
    tls.replace(&new.trusted());
    assert_eq!(read(after).await, Ok(0), "and so is what a client trusts");
}

#[tokio::test]
async fn half_a_tls_handshake_and_half_a_preface_behind_one_are_closed_in_time() {
    let (process, certified) = (Process::start(), Certified::new("localhost"));
    let limits =
        Limits { handshake_timeout: Duration::from_millis(100), max_connections: 1, ..Limits::default() };
    let (port, _replace) = listen(&process, certified.server(None), limits).await;
    for said in [&b""[..], &[22, 3, 1, 0]] {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        socket.write_all(said).await.unwrap();
        is_closed(socket).await;
    }
    let trusting = causeway_proto::tls::trusting(certified.ca_file().as_deref()).unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting.with_no_client_auth()));
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut socket = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
    socket.write_all(b"PRI * HTT").await.unwrap();
    is_closed(socket).await;
}

async fn is_closed(mut socket: impl tokio::io::AsyncRead + Unpin) {
    let mut answer = [0; 64];
    let closed = tokio::time::timeout(Duration::from_secs(2), socket.read(&mut answer));
    assert!(matches!(closed.await.expect("closed within 2 s"), Ok(0) | Err(_)));
}
