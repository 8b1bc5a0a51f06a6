//! A changed configuration is taken while it runs: what changes, what does not, and what a mistake does.

use std::{fs, process::Output};

use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Person, Setup, causeway::UP, eventually, setup::PARTS, with_token};

mod certificates;

async fn answers(client: &mut Client) {
    client.send(json!({"type": "ping"})).await;
    client.expect("pong").await;
}

async fn scene(setup: Setup) -> (Causeway, Person, String) {
    let causeway = setup.start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    (causeway, alice, path)
}

fn said(output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{error}")
}

/// What `causeway reload --json` says of the one process.
async fn reloaded(causeway: &Causeway) -> Value {
    let answers: Value = serde_json::from_str(&causeway.run_well(&["reload", "--json"]).await).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 1, "{answers}");
    answers[0].clone()
}

/// The reload is refused, and names this.
async fn refused(causeway: &Causeway, wanted: &str) {
    let output = causeway.run(&["reload"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains(wanted), "{}", said(&output));
}

async fn status(causeway: &Causeway, path: &str, token: &str) -> u16 {
    match causeway.knock("Alice", &with_token(path, token), &[]).await {
        Ok(_) => 101,
        Err(refused) => refused.status,
    }
}

async fn status_from(causeway: &Causeway, path: &str, alice: &Person, origin: &str) -> u16 {
    let path = with_token(path, &causeway.token(&alice.id).await);
    match causeway.knock("Alice", &path, &[("Origin", origin)]).await {
        Ok(_) => 101,
        Err(refused) => refused.status,
    }
}

#[tokio::test]
async fn keys_are_rotated_and_no_socket_is_dropped() {
    let (causeway, alice, path) = scene(Setup::default()).await;
    let old = causeway.token(&alice.id).await;
    let mut alices = causeway.client(&alice, &path).await;

    // First the file that the key stands in, then the settings.
    fs::write(causeway.data_dir().join("signing.key"), "a secret of this test that is long enough\n")
        .unwrap();
    reloaded(&causeway).await;
    let new = causeway.new_token(&alice.id, &[]).await;
    assert_eq!(status(&causeway, &path, &old).await, 403);
    assert_eq!(status(&causeway, &path, &new).await, 101);
    causeway
        .rewrite("[[auth.keys]]\nalgorithm = \"HS512\"\nsecret = \"another secret that is long enough\"\n");
    let said = reloaded(&causeway).await;
    assert!(said["changed"].to_string().contains("auth.keys[0].algorithm"), "{said}");
    assert_eq!(said["restart"], json!([]));
    assert_eq!(status(&causeway, &path, &new).await, 403);
    let newest = causeway.new_token(&alice.id, &[]).await;
    assert_eq!(status(&causeway, &path, &newest).await, 101);
    alices.send(json!({"type": "refresh_token", "token": newest})).await;
    alices.expect("token_refreshed").await;
    answers(&mut alices).await;
}

#[tokio::test]
async fn an_origin_is_added_and_another_taken_away_at_a_hangup() {
    let (causeway, alice, path) =
        scene(Setup::default().file("bridge.origins = [\"https://a.example\"]\n")).await;
    assert_eq!(status_from(&causeway, &path, &alice, "https://a.example").await, 101);
    assert_eq!(status_from(&causeway, &path, &alice, "https://b.example").await, 403);
    causeway.rewrite("bridge.origins = [\"https://b.example\"]\n");
    causeway.hang_up(UP);
    eventually("the new origin is allowed", async || {
        status_from(&causeway, &path, &alice, "https://b.example").await == 101
    })
    .await;
    assert_eq!(status_from(&causeway, &path, &alice, "https://a.example").await, 403);
    eventually("the log says so", async || {
        causeway.printed().lines().any(|line| line.contains("reloaded") && line.contains("bridge.origins"))
    })
    .await;
}

#[tokio::test]
async fn limits_change_for_open_sockets_too() {
    let (causeway, alice, path) = scene(Setup::default()).await;
    let mut alices = causeway.client(&alice, &path).await;
    causeway.rewrite(
        "bridge.rate.frames_per_second = 1\nbridge.rate.burst = 2\nbridge.max_connections_per_user = 1\n",
    );
    reloaded(&causeway).await;
    for number in 0..3 {
        alices.send(json!({"type": "message", "content": number.to_string()})).await;
    }
    assert_eq!(alices.gather("error", 1).await[0]["code"], "rate_limited");
    let token = causeway.token(&alice.id).await;
    assert_eq!(status(&causeway, &path, &token).await, 503);
    causeway.rewrite("bridge.rate.frames_per_second = 0\n");
    reloaded(&causeway).await;
    for number in 0..100 {
        alices.send(json!({"type": "message", "content": number.to_string()})).await;
    }
    alices.gather("message", 100).await;
    assert_eq!(status(&causeway, &path, &token).await, 101);
}

#[tokio::test]
async fn the_level_of_the_log_changes() {
    let (causeway, alice, path) = scene(Setup::default().file("log.level = \"error\"\n")).await;
    let noted = || causeway.printed().matches("reloaded").count();
    reloaded(&causeway).await;
    causeway.rewrite("log.level = \"info,causeway_bridge=debug\"\n");
    assert_eq!(reloaded(&causeway).await["changed"], json!(["log.level"]));
    eventually("it is noted", async || noted() == 1).await;
    assert_eq!(status(&causeway, &path, "nonsense").await, 403);
    eventually("details are noted", async || causeway.printed().contains("socket refused")).await;
    drop(alice);
    causeway.rewrite("log.level = \"off\"\n");
    reloaded(&causeway).await;
    causeway.rewrite("log.level = \"info\"\n");
    reloaded(&causeway).await;
    eventually("it is noted again", async || noted() == 2).await;
}

#[tokio::test]
async fn a_mistake_is_named_and_the_old_settings_go_on() {
    let (causeway, alice, path) =
        scene(Setup::default().file("bridge.origins = [\"https://a.example\"]\n")).await;
    let mut alices = causeway.client(&alice, &path).await;
    let good = "bridge.origins = [\"https://b.example\"]\n";
    for (lines, wanted) in [
        ("bridge.origin = []\n", "bridge.origin "),
        ("bridge.rate.burst = 0\n", "bridge.rate.burst"),
        ("bridge.rate.burst = [\n", "not TOML"),
        ("log.level = \"loud\"\n", "log.level"),
        (
            "[[auth.keys]]\nalgorithm = \"HS256\"\nsecret_file = \"nowhere\"\n",
            "auth.keys[0]: cannot read nowhere",
        ),
        ("[bridge.tls]\ncert_file = \"nowhere\"\nkey_file = \"nowhere\"\n", "bridge.tls.cert_file: nowhere"),
    ] {
        causeway.rewrite(&format!("{good}{lines}"));
        refused(&causeway, wanted).await;
        assert_eq!(status_from(&causeway, &path, &alice, "https://a.example").await, 101, "{lines}");
        assert_eq!(status_from(&causeway, &path, &alice, "https://b.example").await, 403, "{lines}");
    }
    causeway.hang_up(UP);
    eventually("the log names it", async || {
        causeway
            .printed()
            .lines()
            .any(|line| line.contains("not reloaded") && line.contains("bridge.tls.cert_file"))
    })
    .await;
    causeway.rewrite(good);
    reloaded(&causeway).await;
    assert_eq!(status_from(&causeway, &path, &alice, "https://b.example").await, 101);
    answers(&mut alices).await;
}

#[tokio::test]
async fn what_needs_a_restart_is_named_until_it_had_one() {
    let (mut causeway, alice, path) = scene(Setup::default().file("bridge.drain = \"1s\"\n")).await;
    causeway.rewrite("bridge.drain = \"2s\"\nbridge.origins = [\"https://a.example\"]\n");
    for _ in 0..2 {
        assert_eq!(reloaded(&causeway).await["restart"], json!(["bridge.drain"]));
    }
    assert_eq!(status_from(&causeway, &path, &alice, "https://a.example").await, 101, "the rest is taken");
    let printed = causeway.run_well(&["reload"]).await;
    assert!(printed.contains("bridge.drain needs a restart"), "{printed}");
    causeway.terminate(UP);
    causeway.exit(UP).await;
    causeway.start_again().await;
    assert_eq!(reloaded(&causeway).await["restart"], json!([]));
}

#[tokio::test]
async fn each_of_four_processes_takes_it_or_says_why_not() {
    let mut causeway = Setup::default().split().start().await;
    causeway.rewrite("log.level = \"warn\"\nservices.chat.retain = \"8d\"\n");
    let answers: Value = serde_json::from_str(&causeway.run_well(&["reload", "--json"]).await).unwrap();
    let of = |part: &str| answers.as_array().unwrap().iter().find(|answer| answer["part"] == part).unwrap();
    for part in PARTS {
        assert_eq!(of(part)["changed"], json!(["log.level"]), "{answers}");
        let restart = if part == "chat" { json!(["services.chat.retain"]) } else { json!([]) };
        assert_eq!(of(part)["restart"], restart, "{answers}");
    }
    let printed = causeway.run_well(&["reload", "chat", "presence"]).await;
    assert!(printed.contains("chat (") && printed.contains("presence (") && !printed.contains("bridge ("));
    causeway.rewrite("log.levels = 1\n");
    let output = causeway.run(&["reload"]).await;
    assert_eq!((output.status.code(), said(&output).matches("log.levels").count()), (Some(1), 4));
    causeway.rewrite("");
    causeway.kill("presence");
    causeway.run_well(&["reload"]).await;
    refused_for_nobody(&causeway, "presence").await;
}

async fn refused_for_nobody(causeway: &Causeway, part: &str) {
    let output = causeway.run(&["reload", part]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no such process runs on"), "{}", said(&output));
}
