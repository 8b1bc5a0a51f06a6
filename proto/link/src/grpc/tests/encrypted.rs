//! Links over TLS: a list, a name, and certificates that do not do.

use std::{fs, path::Path};

use causeway_proto::tls::{ALPN, ClientTls, TlsOptions, pem};
use rustls::{ServerConfig, crypto::aws_lc_rs};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{stage::Served, *};

/// TLS in front of a server, with a certificate for a name; answers where.
async fn encrypt(server: &Served, dir: &Path, name: &str) -> (std::net::SocketAddr, ClientTls) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|file| dir.join(file));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(pem::certificates("", &cert).unwrap(), pem::private_key("", &key).unwrap())
        .unwrap();
    config.alpn_protocols = vec![ALPN.to_owned()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, behind) = (listener.local_addr().unwrap(), server.address);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(behind).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    let tls = ClientTls::load(&TlsOptions { ca_file: Some(cert), ..TlsOptions::default() }).unwrap();
    (address, tls)
}

fn reach(tls: ClientTls) -> Reach {
    Reach { settings: stage::quick(), tls, ..Reach::new("test") }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_to_a_list_of_endpoints_over_tls() {
    let (server, dir) = (Served::start(), tempfile::tempdir().unwrap());
    let (address, tls) = encrypt(&server, dir.path(), "localhost").await;
    let (nobody, port) = (stage::Served::start().address, address.port());
    let client = stage::client(&reach(tls), &format!("https://localhost:{port},https://{nobody}"));
    for _ in 0..20 {
        assert_eq!(read(&client).await.unwrap(), server.number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_name_the_certificate_is_for_the_name() {
    let (server, dir) = (Served::start(), tempfile::tempdir().unwrap());
    let (address, tls) = encrypt(&server, dir.path(), "chat.internal").await;
    let book = Arc::new(Book(Mutex::new(vec![address]), AtomicU64::new(0)));
    let reach = Reach { resolver: book, ..reach(tls) };
    let client = stage::client(&reach, "dns+tls:///chat.internal:8011");
    assert_eq!(read(&client).await.unwrap(), server.number);
    let another = stage::client(&reach, "dns+tls:///chat.external:8011");
    let told = read(&another).await.unwrap_err();
    assert_eq!(told.code(), Code::Unavailable);
    assert!(told.message().contains("is not for chat.external but for chat.internal"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_certificate_reaches_the_caller() {
    let (server, dir, other) = (Served::start(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (address, _) = encrypt(&server, dir.path(), "localhost").await;
    let (_, stranger) = encrypt(&server, other.path(), "localhost").await;
    let url = format!("https://localhost:{}", address.port());
    let told = read(&stage::client(&reach(stranger), &url)).await.unwrap_err();
    assert_eq!(told.code(), Code::Unavailable);
    assert!(told.message().starts_with(&url) && told.message().contains("ca_file"), "{told:?}");
}
