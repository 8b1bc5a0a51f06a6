//! Settings: where they come from, what is wrong with them, and the doctor.

use std::{fs, process::Output};

use super::{complaint, printed};
use crate::stage::Setup;

/// Runs a call in an empty directory on a configuration file with these lines.
fn with_file(lines: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = home.path().join("other.toml");
    fs::write(&file, lines).unwrap();
    std::process::Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(arguments)
        .arg("--config")
        .arg(file)
        .envs(environment.iter().copied())
        .current_dir(home.path())
        .output()
        .unwrap()
}

#[tokio::test]
async fn each_value_is_shown_with_where_it_came_from() {
    let lines =
        "[bridge]\nheartbeat = \"17s\"\n[auth]\nservice_token = \"shown-to-nobody-0123456789abcdef\"\n";
    let environment = [("CAUSEWAY_BRIDGE__RATE__BURST", "123")];
    let output = with_file(lines, &["config", "show"], &environment);
    assert!(output.status.success(), "{}", complaint(&output));
    let shown = printed(&output);
    let line = |key: &str| {
        let found = shown.lines().find(|line| line.contains(key));
        found.unwrap_or_else(|| panic!("no {key} in {shown}")).to_owned()
    };
    assert!(line("bridge.heartbeat").contains("17s") && line("bridge.heartbeat").contains("other.toml"));
    assert!(line("bridge.rate.burst").contains("CAUSEWAY_BRIDGE__RATE__BURST"));
    assert!(line("bridge.mailbox_bytes").contains("default"));
    assert!(!shown.contains("shown-to-nobody"), "{shown}");
}

#[tokio::test]
async fn a_mistyped_key_is_found_and_the_near_one_named() {
    let output = with_file("[bridge]\nhartbeat = \"17s\"\n", &["config", "check"], &[]);
    assert_ne!(output.status.code(), Some(0));
    let said = format!("{}{}", printed(&output), complaint(&output));
    for part in ["hartbeat", "heartbeat", "other.toml"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
}

#[tokio::test]
async fn two_mounts_on_one_path_are_found_before_anything_starts() {
    let mount = |dialect: &str| format!("[[bridge.mounts]]\ndialect = \"{dialect}\"\nprefix = \"/desk\"\n");
    let both = mount("jobs") + &mount("helpdesk");
    let output = with_file(&both, &["config", "check"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = complaint(&output);
    for part in ["bridge.mounts", "jobs", "helpdesk", "/desk", "prefix"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert_eq!(with_file(&mount("jobs"), &["config", "check"], &[]).status.code(), Some(0));
}

#[tokio::test]
async fn what_a_plugin_cannot_do_is_found_before_anything_starts() {
    let bot = "[[plugins.telegram.bots]]\naccount = \"shop\"\n";
    let feed = "[[plugins.notices.feeds]]\nname = \"news\"\nurl = \"https://example.org/feed\"\nto = \"everybody\"\n";
    let wrong = [
        (format!("{bot}token = \"sesame\"\n"), "plugins.telegram"),
        (format!("{bot}token_file = \"nowhere\"\n"), "plugins.telegram.bots[0].token_file"),
        (bot.to_owned(), "token"),
        (format!("{feed}publish = {{ title = \"{{titel}}\" }}\n"), "feeds[0].title"),
    ];
    for (lines, key) in wrong {
        let output = with_file(&lines, &["config", "check"], &[]);
        assert_eq!(output.status.code(), Some(2), "{lines}");
        let said = complaint(&output);
        assert!(said.contains(key) && !said.contains("sesame"), "{said}");
    }
    let fine = format!("{bot}token = \"123456:ABC-DEF\"\n{feed}");
    assert_eq!(with_file(&fine, &["config", "check"], &[]).status.code(), Some(0));
}

#[tokio::test]
async fn a_wrong_value_names_its_key_its_source_and_what_is_allowed() {
    let wrong = [
        ("bridge.max_frame_bytes = \"large\"", "max_frame_bytes", "other.toml"),
        ("bridge.ping_interval = \"often\"", "ping_interval", "other.toml"),
        ("bridge.root_chat_dialect = \"rooms\"", "root_chat_dialect", "helpdesk"),
        ("notification.on_message = \"sometimes\"", "on_message", "never"),
        ("log.format = \"xml\"", "format", "json"),
    ];
    for (lines, key, allowed) in wrong {
        let output = with_file(lines, &["config", "check"], &[]);
        let said = format!("{}{}", printed(&output), complaint(&output));
        assert!(!output.status.success(), "{lines}: {said}");
        assert!(said.contains(key) && said.contains(allowed), "{lines}: {said}");
        let output = with_file(lines, &["up", "--data-dir", "never-made"], &[]);
        assert!(!output.status.success());
        assert!(complaint(&output).contains(key), "{}", complaint(&output));
    }
}

#[tokio::test]
async fn a_good_file_is_good() {
    let output = with_file("[bridge]\nheartbeat = \"17s\"\n", &["config", "check"], &[]);
    assert!(output.status.success(), "{}", complaint(&output));
}

#[tokio::test]
async fn the_doctor_finds_a_running_causeway_well() {
    let causeway = Setup::default().start().await;
    let output = causeway.run(&["doctor"]).await;
    assert!(output.status.success(), "{}{}", printed(&output), complaint(&output));
}

#[tokio::test]
async fn the_first_start_prints_what_to_try_next() {
    let causeway = Setup::default().start().await;
    let bridge = causeway.at.bridge.to_string();
    for part in [bridge.as_str(), "causeway token", "causeway conversation create", "causeway user put"] {
        // It is ready a moment before it says so.
        crate::stage::eventually(part, async || causeway.printed().contains(part)).await;
    }
}
