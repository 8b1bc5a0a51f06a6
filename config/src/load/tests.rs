//! What a person meets who sets something, rightly and wrongly.

use std::{path::PathBuf, time::Duration};

use crate::{ConfigError, Flag, Loaded, Origin, Secret, Settings, Sources, auth::Algorithm};

fn environment(pairs: &[(&str, &str)]) -> Sources {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, ..Sources::default() }
}

/// Loads with a file of that text; the folder lives as long as the result.
fn with_file(text: &str, mut sources: Sources) -> (tempfile::TempDir, Result<Loaded, ConfigError>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("causeway.toml");
    std::fs::write(&file, text).unwrap();
    sources.file = Some(file);
    let loaded = Settings::load(&sources);
    (dir, loaded)
}

/// The lines of the error, with the file's folder cut off.
fn complaints(text: &str, sources: Sources) -> Vec<String> {
    let (dir, loaded) = with_file(text, sources);
    let folder = format!("{}/", dir.path().display());
    loaded.unwrap_err().to_string().replace(&folder, "").lines().map(str::to_owned).collect()
}

#[test]
fn a_file_wins_over_defaults_the_environment_over_it_and_a_flag_over_all() {
    let text = "[bridge]\nlisten = \"127.0.0.1:1\"\nsend_queue = 7\nheartbeat = \"1s\"\n";
    let mut sources =
        environment(&[("CAUSEWAY_BRIDGE__LISTEN", "127.0.0.1:2"), ("CAUSEWAY_BRIDGE__SEND_QUEUE", "8")]);
    let value = "127.0.0.1:3".to_owned();
    sources.flags.push(Flag { name: "--listen", key: "bridge.listen", value });
    let (_dir, loaded) = with_file(text, sources);
    let Loaded { settings, provenance } = loaded.unwrap();

    assert_eq!(settings.bridge.listen.port(), 3);
    assert_eq!(settings.bridge.send_queue, 8);
    assert_eq!(settings.bridge.heartbeat, Duration::from_secs(1));
    assert_eq!(settings.bridge.rate.burst, 40);

    let origin = |key: &str| provenance.entry(key).unwrap().origin.clone();
    assert_eq!(origin("bridge.listen"), Origin::Flag("--listen".into()));
    assert_eq!(origin("bridge.send_queue"), Origin::Environment("CAUSEWAY_BRIDGE__SEND_QUEUE".into()));
    assert!(matches!(origin("bridge.heartbeat"), Origin::File { line: Some(4), .. }));
    assert_eq!(origin("bridge.rate.burst"), Origin::Default);
}

#[test]
fn the_environment_sets_lists_and_tables_too() {
    let keys = r#"[{algorithm="HS512",secret="s"}]"#;
    let sources = environment(&[
        ("CAUSEWAY_BRIDGE__ORIGINS", r#"["https://a.example","https://b.example"]"#),
        ("CAUSEWAY_AUTH__KEYS", keys),
        ("CAUSEWAY_NOTIFICATION__ON_MESSAGE", "never"),
        ("CAUSEWAY_DATA_DIR", "/elsewhere"),
        ("CAUSEWAY_CONFIG", "is-not-a-key.toml"),
    ]);
    let settings = Settings::load(&sources).unwrap().settings;
    assert_eq!(settings.bridge.origins.len(), 2);
    assert_eq!(settings.auth.keys[0].algorithm, Algorithm::HS512);
    assert_eq!(settings.data_dir, PathBuf::from("/elsewhere"));
}

#[test]
fn text_in_the_environment_may_look_like_a_number() {
    let sources = environment(&[
        ("CAUSEWAY_AUTH__SERVICE_TOKEN", "0123"),
        ("CAUSEWAY_AUTH__AUDIENCE", "true"),
        ("CAUSEWAY_DATA_DIR", "7"),
    ]);
    let settings = Settings::load(&sources).unwrap().settings;
    assert_eq!(settings.auth.service_token, Secret::new("0123"));
    assert_eq!(settings.auth.audience.as_deref(), Some("true"));
    assert_eq!(settings.data_dir, PathBuf::from("7"));
}

#[test]
fn everything_wrong_is_found_at_once_and_each_says_where_and_what_is_allowed() {
    let text = r#"
[bridge]
lisen = "127.0.0.1:1"
burst = 3
heartbeat = "soon"
send_queue = "many"

[log]
format = "jsn"

[[auth.keys]]
algorithm = "HS256"
secrte = "s"
"#;
    let found = complaints(text, environment(&[("CAUSEWAY_ADMIN__LISTEN", "9000")]));
    for expected in [
        "bridge.lisen (causeway.toml:3): unknown key; did you mean bridge.listen?",
        "bridge.burst (causeway.toml:4): unknown key; did you mean bridge.rate.burst?",
        "bridge.heartbeat (causeway.toml:5): \"soon\" is not understood; allowed: a duration such as \"200ms\", \
         \"25s\", \"1m 30s\" or \"7d\"",
        "bridge.send_queue (causeway.toml:6): \"many\" is text instead of what belongs here; allowed: a whole \
         number, not negative",
        "log.format (causeway.toml:9): \"jsn\" is not known (did you mean \"json\"?); allowed: \"human\", \"json\"",
        "auth.keys[0].secrte (causeway.toml:13): unknown key; did you mean auth.keys[0].secret?",
        "admin.listen (environment CAUSEWAY_ADMIN__LISTEN): 9000 is a whole number instead of what belongs here; \
         allowed: an IP address and a port such as \"127.0.0.1:8000\" or \"[::]:8000\"",
    ] {
        assert!(found.iter().any(|line| line == expected), "{expected}\nis not in\n{}", found.join("\n"));
    }
}

#[test]
fn values_that_do_not_go_together_name_their_source() {
    let found = complaints("[bridge]\nping_interval = \"90s\"\n", environment(&[]));
    let expected = "bridge.idle_timeout (default): 60s is too short; allowed: more than bridge.ping_interval, which \
                    is 90s";
    assert_eq!(found, [expected]);
}

#[test]
fn a_missing_key_of_a_table_is_named() {
    let found = complaints("[[auth.keys]]\nsecret = \"s\"\n", environment(&[]));
    assert_eq!(found, ["auth.keys[0] (causeway.toml:1): \"algorithm\" is missing; it must be given"]);
}

#[test]
fn an_unknown_variable_is_an_unknown_key() {
    let error = Settings::load(&environment(&[("CAUSEWAY_BRIGDE__LISTEN", "127.0.0.1:1")])).unwrap_err();
    let expected = "brigde (environment CAUSEWAY_BRIGDE__LISTEN): unknown key; did you mean bridge?";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_secret_shows_neither_in_errors_nor_in_the_listing() {
    let text =
        "[auth]\nservice_token = [\"hunter2\"]\n[[auth.keys]]\nalgorithm = \"HS256\"\nsecret = 42424242\n";
    let found = complaints(text, environment(&[])).join("\n");
    assert!(!found.contains("hunter2") && !found.contains("42424242"), "{found}");

    let text = "[[auth.keys]]\nalgorithm = \"HS256\"\nsecret = \"hunter2\"\n";
    let (_dir, loaded) = with_file(text, environment(&[("CAUSEWAY_AUTH__SERVICE_TOKEN", "hunter3")]));
    let loaded = loaded.unwrap();
    assert_eq!(loaded.provenance.entry("auth.keys[0].secret").unwrap().value, "\"***\"");
    let printed = format!("{loaded:?}");
    assert!(!printed.contains("hunter"), "{printed}");
}

#[test]
fn a_file_that_is_not_there_or_not_toml_says_so_in_a_line() {
    let file = Some(PathBuf::from("/nonexistent/causeway.toml"));
    let error = Settings::load(&Sources { file, ..Sources::default() }).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration file /nonexistent/causeway.toml: "), "{error}");
    let found = complaints("[bridge\n", environment(&[]));
    assert!(found[0].starts_with("causeway.toml:1: not TOML: "), "{}", found[0]);
}

#[test]
fn what_changed_is_known_of_secrets_and_lists_too() {
    let keys = |secret: &str, more: &str| {
        let text = format!("[[auth.keys]]\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n{more}");
        with_file(&text, environment(&[])).1.unwrap().provenance
    };
    let old = keys("hunter2", "");
    assert_eq!(old.changed(&old.clone()), Vec::<String>::new());
    assert_eq!(old.changed(&keys("hunter3", "")), ["auth.keys[0].secret"]);
    let more = keys("hunter2", "id = \"a\"\n[bridge]\norigins = [\"https://a.example\"]\n");
    assert_eq!(old.changed(&more), ["auth.keys[0].id", "bridge.origins"]);
    assert_eq!(more.changed(&old), ["auth.keys[0].id", "bridge.origins"]);
}
