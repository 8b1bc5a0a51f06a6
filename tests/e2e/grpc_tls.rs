//! gRPC over TLS between processes: both ends show certificates, which are replaced while everything runs; and what is told where
//! something does not fit.

mod authority;

use std::process::Output;

use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Setup, causeway::UP, eventually, setup::PARTS, with_token};
use authority::{Files, trusts};

/// Both ends have certificates, which `files` holds.
fn mutual(files: &Files) -> String {
    let [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| files.at(name));
    format!(
        "services.tls = {{ cert_file = {cert:?}, key_file = {key:?}, client_ca_file = {ca:?} }}\n\
         services.client.ca_file = {ca:?}\nservices.client.cert_file = {cert:?}\nservices.client.key_file = {key:?}\n"
    )
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A call that must not succeed, and what it says.
async fn fails(causeway: &Causeway, arguments: &[&str]) -> String {
    let output = causeway.run(arguments).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

/// Alice in a conversation of hers, made on the command line.
async fn alice(causeway: &Causeway) -> Client {
    causeway.run_well(&["user", "put", "1", "--first-name", "Alice"]).await;
    let create = ["conversation", "create", "--kind", "group", "--id", "7", "--participant", "1"];
    causeway.run_well(&create).await;
    alice_again(causeway).await
}

async fn alice_again(causeway: &Causeway) -> Client {
    causeway.open("Alice", &with_token("/ws/group/7/", &causeway.token("1").await)).await
}

/// A frame goes in and comes out, and so does what a backend sends.
async fn hears(alice: &mut Client, causeway: &Causeway, content: &str) {
    alice.send(json!({"type": "message", "content": content})).await;
    assert_eq!(alice.expect("message").await["message"]["content"], content);
    causeway.run_well(&["send", "--conversation", "7", "--as", "1", &format!("{content}, too")]).await;
    assert_eq!(alice.expect("message").await["message"]["content"], format!("{content}, too"));
}

/// Whether the plugin of the notices is attached.
async fn is_attached(causeway: &Causeway) -> bool {
    let plugins: Value =
        serde_json::from_str(&causeway.run_well(&["plugin", "list", "--json"]).await).unwrap();
    plugins[0]["name"] == "notices" && plugins[0]["attached"] == true
}

#[tokio::test]
async fn the_parts_and_a_plugin_show_each_other_certificates_which_are_replaced() {
    let files = Files::new();
    let webhook = "[[plugins.notices.webhooks]]\nname = \"backend\"\nsecret = \"what it signs with\"\n";
    let setup = Setup::default().split().encrypted().plugin("notices");
    let mut causeway = setup.file(&mutual(&files)).file(webhook).start().await;
    let mut alices = alice(&causeway).await;
    hears(&mut alices, &causeway, "hello").await;
    eventually("the plugin is attached", async || is_attached(&causeway).await).await;
    causeway.run_well(&["doctor"]).await;

    // Another authority: whoever still knew the old one could neither call nor be called.
    let old = files.keep("ca.pem", "old.pem");
    files.issue();
    let told = fails(&causeway, &["user", "show", "1"]).await;
    assert!(told.contains("nobody who is trusted here"), "nobody has asked it to read the files: {told}");
    causeway.run_well(&["reload"]).await;
    let told = fails(&causeway, &["user", "show", "1", "--ca-file", old.to_str().unwrap()]).await;
    assert!(told.contains("nobody who is trusted here") && told.contains("ca_file"), "{told}");
    hears(&mut alices, &causeway, "hello again").await;
    causeway.kill("chat");
    causeway.start_again().await;
    eventually("the plugin is attached again", async || is_attached(&causeway).await).await;
    hears(&mut alices, &causeway, "over new connections").await;
}

#[tokio::test]
async fn a_reload_takes_the_certificates_of_both_listeners_or_of_none() {
    let files = Files::new();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| files.at(name));
    let bridge = format!("bridge.tls = {{ cert_file = {cert:?}, key_file = {key:?} }}\n");
    let setup = Setup::default().encrypted();
    // Begun without TLS on the WebSocket listener, because the stage knows when that is ready.
    let causeway = setup.file(&mutual(&files)).start().await;
    let listeners = [causeway.at.bridge, causeway.at.chat];
    causeway.rewrite(&format!("{}{bridge}", mutual(&files)));
    causeway.run_well(&["reload"]).await;
    let old = files.keep("ca.pem", "old.pem");
    files.issue();
    causeway.run_well(&["reload"]).await;
    for at in listeners {
        assert!(!trusts(at, &old).await && trusts(at, &files.at("ca.pem")).await, "{at}");
    }
    causeway.run_well(&["user", "put", "1", "--first-name", "Alice"]).await;

    let good = files.keep("ca.pem", "good.pem");
    files.issue();
    files.write("key.pem", "no key");
    let told = fails(&causeway, &["reload"]).await;
    assert!(told.contains("services.tls.key_file: ") && told.contains("key.pem"), "{told}");
    for at in listeners {
        assert!(trusts(at, &good).await, "{at} goes on with what it had");
    }
    files.issue();
    causeway.rewrite("");
    let told = fails(&causeway, &["reload"]).await;
    assert!(told.contains("services.tls is gone") && told.contains("restart"), "{told}");
    causeway.rewrite(&format!("{}{bridge}", mutual(&files)));
    causeway.hang_up(UP);
    let ca = files.at("ca.pem");
    eventually("both are replaced", async || {
        trusts(listeners[0], &ca).await && trusts(listeners[1], &ca).await
    })
    .await;
}

#[tokio::test]
async fn who_calls_wrongly_hears_what_is_wrong_and_the_way_out() {
    let files = Files::new();
    let causeway = Setup::default().encrypted().file(&mutual(&files)).start().await;
    let port = causeway.at.chat.port();
    let show = async |server: &str, more: &[&str]| {
        fails(&causeway, &[&["user", "show", "1", "--server", server], more].concat()).await
    };
    let told = show(&format!("http://127.0.0.1:{port}"), &[]).await;
    assert!(told.contains(&format!("http://127.0.0.1:{port}: it has TLS: write https")), "{told}");
    let told = show(&format!("https://{}", causeway.at.admin), &[]).await;
    assert!(told.contains("does not answer as a server with TLS does"), "{told}");
    let stranger = Files::new();
    let told = show(&format!("https://127.0.0.1:{port}"), &["--ca-file", &stranger.named("ca.pem")]).await;
    assert!(told.contains("nobody who is trusted here"), "{told}");
    let gone = causeway.run(&["user", "show", "1", "--ca-file", "nowhere.pem"]).await;
    assert_eq!(gone.status.code(), Some(2), "{}", said(&gone));
    assert!(said(&gone).contains("services.client.ca_file: nowhere.pem"), "{}", said(&gone));

    let mut alone = causeway.command(&["user", "show", "1"]);
    alone.env("CAUSEWAY_SERVICES__CLIENT__CERT_FILE", stranger.at("cert.pem"));
    alone.env("CAUSEWAY_SERVICES__CLIENT__KEY_FILE", stranger.at("key.pem"));
    let told = said(&alone.output().unwrap());
    assert!(told.contains("does not take ours: see cert_file and key_file"), "{told}");
    let mut elsewhere = causeway.command(&["user", "show", "1"]);
    elsewhere.env("CAUSEWAY_SERVICES__CLIENT__SERVER_NAME", "chat.example.com");
    let told = said(&elsewhere.output().unwrap());
    assert!(
        told.contains("its certificate is not for chat.example.com but for 127.0.0.1, localhost"),
        "{told}"
    );
    let printed = causeway.printed();
    assert!(printed.contains("a client does not know that this gRPC listener has TLS"), "{printed}");
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
}

#[tokio::test]
async fn without_a_certificate_that_is_trusted_the_parts_say_so_and_wait() {
    let (files, stranger) = (Files::new(), Files::new());
    let mut causeway = Setup::default().split().encrypted().file(&mutual(&files)).start().await;
    let mut alices = alice(&causeway).await;
    causeway.kill("bridge");
    let wrong = format!("services.client.ca_file = {:?}\n", stranger.at("ca.pem"));
    causeway.rewrite(&wrong);
    causeway.start_again_without_waiting("bridge");
    eventually("the log says what is wrong", async || {
        causeway.printed().lines().any(|line| {
            line.contains("an endpoint cannot be used: https://127.0.0.1:")
                && line.contains("nobody who is trusted")
        })
    })
    .await;
    drop(alices);
    causeway.rewrite(&mutual(&files));
    causeway.run_well(&["reload", PARTS[3]]).await;
    causeway.start_again().await;
    alices = alice_again(&causeway).await;
    hears(&mut alices, &causeway, "all is well").await;
}
