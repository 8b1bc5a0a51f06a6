//! Dialects bound to hosts and prefixes.

use serde_json::json;

use crate::stage::{Causeway, Setup, with_token};

#[tokio::test]
async fn a_dialect_is_bound_to_a_prefix_and_to_a_host() {
    let mounts = "
        [[bridge.mounts]]
        dialect = \"jobs\"
        prefix = \"/careers\"
        [[bridge.mounts]]
        dialect = \"helpdesk\"
        host = \"support.example.com\"
    ";
    let causeway = Setup::default().file(mounts).start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let token = causeway.token(&alice.id).await;

    let mut jobs = causeway.client(&alice, &format!("/careers/ws/chat/{id}/")).await;
    jobs.send(json!({"type": "ping"})).await;
    jobs.expect("pong").await;

    let path = with_token(&format!("/ws/chat/{id}/"), &token);
    let host = [("Host", "support.example.com")];
    let (mut helpdesk, _) = causeway.knock("Alice", &path, &host).await.unwrap();
    helpdesk.expect("recent_messages").await;
    assert_eq!(causeway.refused(&path).await.status, 404, "nothing is at the root of other hosts");
}

#[tokio::test]
async fn two_dialects_on_one_path_are_refused_at_the_start() {
    let mounts = "
        [[bridge.mounts]]
        dialect = \"jobs\"
        prefix = \"/both\"
        [[bridge.mounts]]
        dialect = \"helpdesk\"
        prefix = \"/both\"
    ";
    let causeway: Causeway = Setup::default().start().await;
    let file = causeway.home().join("conflict.toml");
    std::fs::write(&file, mounts).unwrap();
    let arguments = ["up", "--config", file.to_str().unwrap(), "--data-dir", "elsewhere"];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(arguments)
        .current_dir(causeway.home())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(complaint.contains("jobs") && complaint.contains("helpdesk"), "{complaint}");
    assert!(complaint.contains("/both"), "{complaint}");
}
