//! What was echoed is stored: across `kill -9`, once and in order.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{
    Causeway, Client, Person, Seen, Setup, causeway::UP, client::PATIENCE, process::Process, setup::PARTS,
};

/// Messages that are under way when the process is killed.
const SENDS: usize = 200;

/// A message as the tests compare it: id and text.
type Line = (u64, String);

fn line(message: &Value) -> Line {
    let id = message["id"].as_str().unwrap().parse().unwrap();
    (id, message["content"].as_str().unwrap().to_owned())
}

/// Reads messages until `enough` of them are there or the socket is dead; returns them and the last event id.
async fn read(client: &mut Client, enough: usize) -> (Vec<Line>, String) {
    let (mut lines, mut last) = (Vec::new(), String::new());
    while lines.len() < enough {
        match client.next(PATIENCE).await {
            Seen::Frame(frame) if frame["type"] == "message" => {
                lines.push(line(&frame["message"]));
                last = frame["event_id"].as_str().unwrap_or_default().to_owned();
            }
            Seen::Frame(_) => {}
            Seen::Closed(_, _) | Seen::Nothing => break,
        }
    }
    (lines, last)
}

/// Everything that is stored, oldest first.
async fn stored(causeway: &Causeway, who: &Person, path: &str) -> Vec<Line> {
    let mut client = causeway.client(who, path).await;
    let mut lines: Vec<Line> = Vec::new();
    loop {
        let mut frame = json!({"type": "history", "limit": 100});
        if let Some((id, _)) = lines.first() {
            frame["before"] = json!(id);
        }
        client.send(frame).await;
        let page = client.expect("history").await;
        lines.splice(0..0, page["messages"].as_array().unwrap().iter().map(line));
        if page["has_more"] == false {
            return lines;
        }
    }
}

/// Kills the part that stores, in the middle of many sends, some rounds in a row.
async fn is_killed_while_many_write(setup: Setup, part: &str, others: &[&str]) {
    let mut causeway = setup.set("bridge.rate.frames_per_second", 0).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let (mut seen_by_bob, mut since) = (Vec::new(), String::new());
    for round in 0..3 {
        let mut alices = causeway.client(&alice, &path).await;
        let mut bobs = causeway.client_since(&bob, &path, &since).await;
        for number in 0..SENDS {
            alices.send(json!({"type": "message", "content": format!("{round}/{number}")})).await;
        }
        let (mut echoed, _) = read(&mut alices, SENDS / 3 + round * 20).await;
        let (early, early_since) = read(&mut bobs, echoed.len() / 2).await;
        causeway.kill(part);
        for other in others {
            causeway.kill(other);
        }
        echoed.extend(read(&mut alices, SENDS).await.0);
        seen_by_bob.extend(early);
        since = early_since;
        causeway.start_again().await;

        let stored = stored(&causeway, &alice, &path).await;
        assert!(stored.is_sorted_by(|left, right| left.0 < right.0), "out of order or twice");
        let this_round: Vec<_> =
            stored.iter().filter(|line| line.1.starts_with(&format!("{round}/"))).collect();
        assert!(this_round.len() >= echoed.len(), "{} of {} echoed", this_round.len(), echoed.len());
        assert_eq!(this_round[..echoed.len()], echoed.iter().collect::<Vec<_>>()[..]);

        let missing = stored.len() - seen_by_bob.len();
        let mut bobs = causeway.client_since(&bob, &path, &since).await;
        let (late, late_since) = read(&mut bobs, missing).await;
        seen_by_bob.extend(late);
        if !late_since.is_empty() {
            since = late_since;
        }
        assert_eq!(seen_by_bob, stored, "Bob's view differs from what is stored");
        assert!(matches!(bobs.next(Duration::from_millis(200)).await, Seen::Nothing | Seen::Frame(_)));
    }
}

#[tokio::test]
async fn what_was_echoed_survives_the_death_of_the_process() {
    is_killed_while_many_write(Setup::default(), UP, &[]).await;
}

#[tokio::test]
async fn what_was_echoed_survives_the_death_of_four_processes() {
    is_killed_while_many_write(Setup::default().split(), PARTS[0], &PARTS[1..]).await;
}

#[tokio::test]
async fn a_key_is_remembered_across_the_death_of_the_process() {
    let mut causeway = Causeway::start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let frame = json!({"type": "message", "content": "once", "client_message_id": "key"});
    let mut alices = causeway.client(&alice, &path).await;
    alices.send(frame.clone()).await;
    let first = alices.expect("message").await;
    causeway.kill(UP);
    causeway.start_again().await;
    let mut alices = causeway.client(&alice, &path).await;
    alices.send(frame).await;
    assert_eq!(alices.expect("message").await, first);
    assert_eq!(stored(&causeway, &alice, &path).await.len(), 1);
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_echoed_and_the_process_stops() {
    // No file may grow beyond 8000 blocks of 512 bytes; with the signal ignored, the write itself fails.
    let setup = Setup::default().shell("trap '' XFSZ; ulimit -f 8000");
    let setup = setup.set("bridge.rate.frames_per_second", 0).set("bridge.drain", "200ms");
    let mut causeway = setup.start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut echoed = Vec::new();
    for number in 0..5_000 {
        alices.send(json!({"type": "message", "content": format!("{number} {}", "x".repeat(3_000))})).await;
        match alices.next(PATIENCE).await {
            Seen::Frame(frame) if frame["type"] == "message" => echoed.push(line(&frame["message"])),
            Seen::Frame(frame) => {
                assert_eq!(frame["code"], "unavailable", "{frame}");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((10..5_000).contains(&echoed.len()), "{} were echoed", echoed.len());
    drop(alices);
    assert!(!causeway.exit(UP).await.success());
    assert!(causeway.printed().contains("chat cannot do its job any more"), "{}", causeway.printed());

    causeway.lift_limits();
    causeway.start_again().await;
    let stored = stored(&causeway, &alice, &path).await;
    assert_eq!(stored[..echoed.len()], echoed);
    assert!(stored.len() <= echoed.len() + 1, "at most the one that was refused is there, too");
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_at_once() {
    let causeway = Causeway::start().await;
    let free = "127.0.0.1:0";
    let command = causeway.command(&[UP, "--listen", free, "--grpc", free, "--admin", free]);
    let mut second = Process::start(command, causeway.home());
    let status = second.exit().await;
    assert!(!status.success());
    let complaint = second.printed();
    assert!(complaint.contains("another process runs on this data directory"), "{complaint}");
    assert_eq!(causeway.get("/readyz", &[]).await.status, 200, "the first goes on");
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_refused_at_once() {
    let causeway = Causeway::start().await;
    std::fs::write(causeway.home().join("file"), "no directory").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(["up", "--data-dir", "file/data", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0"])
        .current_dir(causeway.home())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("file/data"), "{complaint}");
    assert!(!complaint.contains("panicked"), "{complaint}");
}
