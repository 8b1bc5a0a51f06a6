//! Users, conversations, messages and notifications.

use serde_json::{Value, json};

use super::{complaint, printed};
use crate::stage::{Causeway, eventually, fresh_id, with_token};

/// Runs a call with `--json` and reads what it prints.
async fn asked(causeway: &Causeway, arguments: &[&str]) -> Value {
    let printed = causeway.run_well(&[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
}

#[tokio::test]
async fn a_token_is_printed_and_nothing_else() {
    let causeway = Causeway::shared().await;
    let id = fresh_id();
    let arguments = ["token", "--user", &id, "--claim", "username=alice", "--ttl", "1h"];
    let output = causeway.run(&arguments).await;
    assert!(output.status.success(), "{}", complaint(&output));
    let token = printed(&output);
    assert_eq!(token.lines().count(), 1);
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
}

#[tokio::test]
async fn users_are_put_shown_and_listed() {
    let causeway = Causeway::shared().await;
    let id = format!("user-{}", fresh_id());
    let put = ["user", "put", &id, "--username", "zoe", "--first-name", "Zoe", "--last-name", "Fox"];
    causeway.run_well(&[&put[..], &["--email", "z@example.com", "--audience", "college:5"]].concat()).await;
    let shown = asked(&causeway, &["user", "show", &id]).await;
    assert_eq!((&shown["id"], &shown["username"]), (&json!(id), &json!("zoe")));
    assert_eq!((&shown["first_name"], &shown["last_name"]), (&json!("Zoe"), &json!("Fox")));
    assert_eq!(shown["audiences"], json!(["college:5"]));
    let listed = asked(&causeway, &["user", "list"]).await;
    assert!(listed.to_string().contains(&id), "{listed}");
    assert!(causeway.run_well(&["user", "show", &id]).await.contains("Zoe"));

    let unknown = causeway.run(&["user", "show", "no-such-user"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(complaint(&unknown).contains("no-such-user"), "{}", complaint(&unknown));
    assert_eq!(complaint(&unknown).trim().lines().count(), 1, "{}", complaint(&unknown));
}

#[tokio::test]
async fn conversations_are_made_changed_shown_and_listed() {
    let causeway = Causeway::shared().await;
    let [alice, bob, carol] = causeway.people(["Alice", "Bob", "Carol"]).await;
    let id = format!("room-{}", fresh_id());
    let create = ["conversation", "create", "--kind", "group", "--id", &id, "--name", "Friends"];
    let participants = ["--participant", alice.id.as_str(), "--participant", &bob.id];
    let created = asked(&causeway, &[&create[..], &participants].concat()).await;
    assert_eq!(created["id"], id.as_str());
    causeway.run_well(&["conversation", "add", &id, "--participant", &carol.id]).await;
    causeway.run_well(&["conversation", "remove", &id, "--participant", &bob.id]).await;
    let shown = asked(&causeway, &["conversation", "show", &id]).await.to_string();
    assert!(shown.contains(&carol.id) && !shown.contains(&format!("\"{}\"", bob.id)), "{shown}");
    let listed = asked(&causeway, &["conversation", "list", "--user", &carol.id]).await.to_string();
    assert!(listed.contains(&id), "{listed}");
    let listed = asked(&causeway, &["conversation", "list", "--user", &bob.id]).await.to_string();
    assert!(!listed.contains(&id), "{listed}");

    let create = ["conversation", "create", "--kind", "one_to_one"];
    let first = asked(&causeway, &[&create[..], &participants].concat()).await;
    let again = asked(&causeway, &[&create[..], &participants].concat()).await;
    assert_eq!(first["id"], again["id"], "two people have one conversation");
}

#[tokio::test]
async fn a_support_conversation_has_a_customer() {
    let causeway = Causeway::shared().await;
    let [sue] = causeway.people(["Sue"]).await;
    let customer = fresh_id();
    let put =
        ["user", "put", &customer, "--first-name", "John", "--last-name", "Doe", "--source", "telegram"];
    causeway.run_well(&[&put[..], &["--profile-picture", "https://example.com/j.jpg"]].concat()).await;
    let create = ["conversation", "create", "--kind", "support", "--customer", &customer];
    let more = ["--participant", sue.id.as_str(), "--priority", "3"];
    let id = asked(&causeway, &[&create[..], &more].concat()).await["id"].as_str().unwrap().to_owned();
    let mut sues = causeway.client(&sue, &format!("/helpdesk/ws/chat/{id}/")).await;
    sues.expect("recent_messages").await;
    causeway.run_well(&["send", "--conversation", &id, "--as", &customer, "Help!"]).await;
    assert_eq!(sues.expect("chat_message").await["message"]["type"], "customer");
    for kind in ["AI", "marketing"] {
        let send = ["send", "--conversation", &id, "--as", &sue.id, "--type", kind, "Dear customer"];
        causeway.run_well(&send).await;
        assert_eq!(sues.expect("chat_message").await["message"]["type"], kind);
    }
}

#[tokio::test]
async fn messages_and_notifications_reach_the_sockets() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let mut bobs = causeway.client(&bob, &format!("/ws/group/{id}/")).await;
    let mut notices = causeway.client(&bob, "/ws/notifications/").await;
    causeway.run_well(&["send", "--conversation", &id, "--as", &alice.id, "from the shell"]).await;
    assert_eq!(bobs.expect("message").await["message"]["content"], "from the shell");

    let notify = ["notify", &bob.id, "--title", "Alert", "--message", "Approved", "--type", "alert"];
    causeway.run_well(&[&notify[..], &["--data", r#"{"order":7}"#]].concat()).await;
    let notice = notices.expect("notify").await;
    assert_eq!((&notice["title"], &notice["data"]), (&json!("Alert"), &json!({"order": 7})));

    let audience = format!("class-{}", bob.id);
    causeway.run_well(&["user", "put", &bob.id, "--audience", &audience]).await;
    let token = causeway.token(&bob.id).await;
    let mut member = causeway.open("Bob", &with_token("/ws/notifications/", &token)).await;
    causeway.run_well(&["broadcast", &audience, "--title", "Urgent", "--message", "Suspended"]).await;
    assert_eq!(member.expect("notify").await["title"], "Urgent");
}

#[tokio::test]
async fn a_bulk_message_is_started_from_the_shell() {
    let causeway = Causeway::shared().await;
    let people = causeway.people(["Ann", "Ben"]).await;
    let help = causeway.run_well(&["bulk", "--help"]).await;
    assert!(help.contains("start") && help.contains("cancel"), "{help}");
    let mut anns = causeway.client(&people[0], "/ws/notifications/").await;
    let start = ["bulk", "start", "--user", &people[0].id, "--user", &people[1].id];
    causeway.run_well(&[&start[..], &["--title", "To all", "--message", "Hello"]].concat()).await;
    eventually("the notice arrives", async || anns.gather("notify", 1).await.remove(0)["title"] == "To all")
        .await;
}

#[tokio::test]
async fn wrong_usage_is_two_and_says_what_is_right() {
    let causeway = Causeway::shared().await;
    let wrong: [&[&str]; 8] = [
        &["sing"],
        &["token"],
        &["token", "--user", "1", "--ttl", "soon"],
        &["token", "--user", "1", "--claim", "novalue"],
        &["conversation", "create", "--kind", "circle", "--participant", "1"],
        &["send", "--conversation", "1", "hello"],
        &["notify", "1", "--title", "a", "--message", "b", "--data", "{"],
        &["user", "put", "a/b"],
    ];
    for arguments in wrong {
        let output = causeway.run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", complaint(&output));
        assert!(printed(&output).is_empty(), "{arguments:?} prints {}", printed(&output));
        assert!(!complaint(&output).is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn without_a_server_it_says_how_to_get_one() {
    let causeway = Causeway::shared().await;
    let nowhere = causeway.home().join("nowhere");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(["user", "list", "--data-dir"])
        .arg(nowhere)
        .current_dir(causeway.home())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    assert!(complaint(&output).contains("causeway up"), "{}", complaint(&output));
}

#[tokio::test]
async fn help_teaches() {
    let causeway = Causeway::shared().await;
    let parts = ["up", "bridge", "chat", "notification", "presence"];
    let calls = ["token", "user", "conversation", "send", "notify", "broadcast", "bulk", "config", "doctor"];
    let help = causeway.run_well(&["--help"]).await;
    for command in parts.into_iter().chain(calls) {
        assert!(help.contains(command), "no {command} in {help}");
        let own = causeway.run_well(&[command, "--help"]).await;
        assert!(own.contains("Usage"), "{own}");
    }
}
