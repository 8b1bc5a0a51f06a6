//! Paths as the frontends write them, and mounts as operators may.

use super::*;
use crate::dialect::Room;

fn mount(dialect: Dialect, host: Option<&str>, prefix: &str) -> Vec<Entry> {
    Mount { dialect, host: host.map(str::to_owned), prefix: prefix.to_owned() }.entries()
}

fn mounts(each: Vec<Vec<Entry>>) -> Result<Mounts, MountConflict> {
    Mounts::from_entries(each.into_iter().flatten().collect())
}

fn default_mounts() -> Mounts {
    Mounts::from_entries(everywhere(RootChatDialect::Jobs)).unwrap()
}

/// `dialect route id`, as short as can be compared.
fn found(mounts: &Mounts, host: Option<&str>, path: &str) -> Option<String> {
    let found = mounts.find(host, path)?;
    let own = match found.target {
        Target::Socket(route) => route.path,
        Target::Conversation => CONVERSATION,
    };
    Some(format!("{} {own} {}", found.dialect.name(), found.id().unwrap_or_default()).trim_end().to_owned())
}

#[test]
fn every_dialect_is_at_the_root_and_under_its_own_name() {
    let mounts = default_mounts();
    for (path, expected) in [
        ("/ws/group/2/", "rooms /ws/group/{id} 2"),
        ("/ws/one-to-one/2", "rooms /ws/one-to-one/{id} 2"),
        ("/ws/conversation/2/", "rooms /ws/conversation/{id} 2"),
        ("/api/conversations/2/", "rooms /api/conversations/{id} 2"),
        ("/rooms/api/conversations/2", "rooms /api/conversations/{id} 2"),
        ("/rooms/ws/group/2/", "rooms /ws/group/{id} 2"),
        ("/api/v1/ws/chat/2", "envelope /api/v1/ws/chat/{id} 2"),
        ("/api/v1/ws/7/", "envelope /api/v1/ws/{id} 7"),
        ("/envelope/api/v1/ws/chat/2/", "envelope /api/v1/ws/chat/{id} 2"),
        ("/ws/chat/2/", "jobs /ws/chat/{id} 2"),
        ("/jobs/ws/chat/2/", "jobs /ws/chat/{id} 2"),
        ("/ws/notifications/7/", "jobs /ws/notifications/{id} 7"),
        ("/helpdesk/ws/chat/2/", "helpdesk /ws/chat/{id} 2"),
        ("/ws/conversations/", "helpdesk /ws/conversations"),
        ("/helpdesk/ws/conversations", "helpdesk /ws/conversations"),
        ("/ws/chat/", "campus /ws/chat"),
        ("/ws/chat", "campus /ws/chat"),
        ("/ws/notifications/", "campus /ws/notifications"),
        ("/campus/ws/notifications", "campus /ws/notifications"),
    ] {
        assert_eq!(found(&mounts, Some("localhost:8000"), path).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn the_configuration_can_give_the_shared_path_to_helpdesk() {
    let mounts = Mounts::from_entries(everywhere(RootChatDialect::Helpdesk)).unwrap();
    assert_eq!(found(&mounts, None, "/ws/chat/2/").as_deref(), Some("helpdesk /ws/chat/{id} 2"));
    assert_eq!(found(&mounts, None, "/jobs/ws/chat/2/").as_deref(), Some("jobs /ws/chat/{id} 2"));
    assert_eq!(found(&mounts, None, "/ws/notifications/7").as_deref(), Some("jobs /ws/notifications/{id} 7"));
}

#[test]
fn what_is_nobodys_path_is_not_found() {
    let mounts = default_mounts();
    for path in [
        "",
        "/",
        "*",
        "ws/chat",
        "/ws",
        "/ws/chat//",
        "/ws/group/",
        "/ws/group/1/2",
        "/WS/chat/1",
        "//ws/chat/1",
    ] {
        assert_eq!(found(&mounts, None, path), None, "{path}");
    }
}

#[test]
fn a_fixed_segment_wins_over_an_id() {
    // A chat without an id can only be the stream of a user who is called "chat".
    let mounts = default_mounts();
    assert_eq!(found(&mounts, None, "/api/v1/ws/chat").as_deref(), Some("envelope /api/v1/ws/{id} chat"));
    let entries = ["/{id}", "/ws", "/ws/{id}", "/ws/chat"].map(|path| {
        let mount = Mount { dialect: Dialect::Jobs, host: None, prefix: String::new() };
        let route = Box::leak(Box::new(Route { path, room: Room::Personal, successors: None }));
        Entry::new(mount, Target::Socket(route))
    });
    let mounts = Mounts::from_entries(entries.into()).unwrap();
    assert_eq!(found(&mounts, None, "/ws").as_deref(), Some("jobs /ws"));
    assert_eq!(found(&mounts, None, "/7").as_deref(), Some("jobs /{id} 7"));
    assert_eq!(found(&mounts, None, "/ws/chat").as_deref(), Some("jobs /ws/chat"));
    assert_eq!(found(&mounts, None, "/ws/7").as_deref(), Some("jobs /ws/{id} 7"));
}

#[test]
fn an_id_is_percent_decoded_after_the_path_is_split() {
    let mounts = default_mounts();
    for (segment, id) in [
        ("a%20b", "a b"),
        ("college%3A5", "college:5"),
        ("%C3%A9t%C3%A9", "été"),
        ("a%2Fb", "a/b"),
        ("100%", "100%"),
        ("%2e%2e", ".."),
        ("%ff", "\u{fffd}"),
        ("a+b", "a+b"),
    ] {
        let path = format!("/ws/group/{segment}/");
        assert_eq!(mounts.find(None, &path).unwrap().id().as_deref(), Some(id), "{segment}");
        assert_eq!(mounts.find(None, &path).unwrap().segment, Some(segment));
    }
    assert_eq!(found(&mounts, None, "/ws%2Fgroup/2"), None);
}

#[test]
fn a_host_has_its_own_mounts_before_those_of_any_host() {
    let mounts = mounts(vec![
        mount(Dialect::Jobs, None, ""),
        mount(Dialect::Helpdesk, Some("support.example.com"), ""),
        mount(Dialect::Campus, Some("campus.example.com"), "/live"),
    ])
    .unwrap();
    for host in
        ["support.example.com", "support.example.com:8443", "SUPPORT.Example.com.", "support.example.com.:80"]
    {
        assert_eq!(
            found(&mounts, Some(host), "/ws/chat/2").as_deref(),
            Some("helpdesk /ws/chat/{id} 2"),
            "{host}"
        );
    }
    let jobs = Some("jobs /ws/chat/{id} 2");
    for host in [None, Some("example.com"), Some("support.example.com.evil.example"), Some("[::1]:8000")] {
        assert_eq!(found(&mounts, host, "/ws/chat/2").as_deref(), jobs, "{host:?}");
    }
    // What the host itself does not have, it has from any host.
    let notifications = found(&mounts, Some("support.example.com"), "/ws/notifications/7");
    assert_eq!(notifications.as_deref(), Some("jobs /ws/notifications/{id} 7"));
    assert_eq!(
        found(&mounts, Some("campus.example.com"), "/live/ws/chat").as_deref(),
        Some("campus /ws/chat")
    );
    assert_eq!(found(&mounts, Some("example.com"), "/live/ws/chat"), None);
}

#[test]
fn two_mounts_of_one_path_on_one_host_are_an_error_that_names_both() {
    let conflicts = [
        vec![mount(Dialect::Jobs, None, ""), mount(Dialect::Helpdesk, None, "")],
        vec![
            mount(Dialect::Jobs, Some("a.example"), "/x"),
            mount(Dialect::Helpdesk, Some("a.example"), "/x"),
        ],
    ];
    for each in conflicts {
        let error = mounts(each).unwrap_err().to_string();
        for named in ["jobs", "helpdesk", "/ws/chat/{id}"] {
            assert!(error.contains(named), "{error}");
        }
    }
    assert!(mounts(vec![mount(Dialect::Rooms, None, ""), mount(Dialect::Rooms, None, "")]).is_err());
}

#[test]
fn mounts_that_differ_in_host_or_prefix_agree() {
    for each in [
        vec![mount(Dialect::Jobs, Some("a.example"), ""), mount(Dialect::Helpdesk, Some("b.example"), "")],
        vec![mount(Dialect::Jobs, None, "/jobs"), mount(Dialect::Helpdesk, None, "/desk")],
        vec![mount(Dialect::Jobs, None, ""), mount(Dialect::Helpdesk, Some("a.example"), "")],
        vec![mount(Dialect::Jobs, None, ""), mount(Dialect::Campus, None, "")],
    ] {
        assert!(mounts(each).is_ok());
    }
}
