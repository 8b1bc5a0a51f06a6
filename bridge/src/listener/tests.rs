//! The edge as a client sees it, byte by byte, over connections in memory and a clock that stands until it is needed. The
//! services behind it are away.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::*;

mod stage;
mod tls;
use stage::{Stage, token};

const UPGRADE: &str = "connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test(start_paused = true)]
async fn health_says_that_it_lives_and_readiness_what_it_waits_for() {
    let stage = Stage::new().await;
    let alive = stage.get("/healthz", "").await;
    assert!(alive.starts_with("HTTP/1.1 200 OK\r\n") && alive.ends_with(r#"{"status":"ok"}"#), "{alive}");
    let ready = stage.get("/readyz", "").await;
    assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
    assert!(
        ready.contains(r#""status":"waiting","waiting_for":["#) && ready.contains(r#""chat""#),
        "{ready}"
    );
    assert!(
        stage.ask("POST /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await.contains("\r\nallow: GET, HEAD\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_not_found_in_json() {
    let stage = Stage::new().await;
    for path in ["/", "/ws", "/ws/nobody/1/?token=canary", "/favicon.ico"] {
        let answer = stage.get(path, UPGRADE).await;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
        assert!(
            answer.contains("content-type: application/json")
                && answer.ends_with(r#"{"detail":"not found"}"#)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_upgrade_hears_what_it_lacks() {
    let stage = Stage::new().await;
    for (headers, status) in [
        ("", "426"),
        ("connection: upgrade\r\n", "426"),
        ("connection: upgrade\r\nupgrade: h2c\r\n", "426"),
        ("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\n", "426"),
        ("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n", "400"),
        (
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: c2hvcnQ=\r\n",
            "400",
        ),
    ] {
        let answer = stage.get("/ws/chat/2/", headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers:?}: {answer}");
    }
    let posted = stage.ask(&format!("POST /ws/chat/2/ HTTP/1.1\r\nhost: h\r\n{UPGRADE}\r\n")).await;
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_is_refused_before_its_token_is_looked_at() {
    let stage = Stage::new().await;
    for path in ["/ws/group/2/", "/ws/chat/2/", "/api/v1/ws/7", "/helpdesk/ws/chat/2/", "/campus/ws/chat/"] {
        let answer = stage.get(path, &format!("origin: https://evil.example\r\n{UPGRADE}")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.ends_with(r#"{"detail":"origin not allowed"}"#), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn dialects_that_refuse_before_the_upgrade_answer_403_in_json() {
    let stage = Stage::new().await;
    for path in ["/ws/group/2/", "/ws/chat/"] {
        for query in ["", "?token=x.y.z", &format!("?token={}&token={}", token("7"), token("7"))] {
            let answer = stage.get(&format!("{path}{query}"), UPGRADE).await;
            assert!(
                answer.starts_with("HTTP/1.1 403 ") && answer.contains(r#"{"detail":""#),
                "{path} {answer}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dialects_that_refuse_after_the_upgrade_close_with_their_code() {
    let stage = Stage::new().await;
    for (path, code) in [
        ("/ws/chat/2/".to_owned(), 4003),
        ("/ws/chat/2/?token=x.y.z".to_owned(), 4001),
        (format!("/ws/chat/a%2Fb/?token={}", token("7")), 4004),
        ("/helpdesk/ws/conversations/".to_owned(), 4003),
        ("/api/v1/ws/chat/2".to_owned(), 1008),
        (format!("/ws/chat/2/?token={}", token("7")), 1013),
    ] {
        assert_eq!(stage.close_code(&path, &[]).await, code, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_announced_as_a_subprotocol_is_answered_with_bearer_even_when_it_is_refused() {
    let stage = Stage::new().await;
    let offer = format!("bearer, {}", token("7"));
    assert_eq!(stage.close_code("/ws/chat/2/", &[("sec-websocket-protocol", &offer)]).await, 1013);
    assert_eq!(stage.close_code("/ws/chat/2/", &[("sec-websocket-protocol", "bearer, x.y.z")]).await, 4001);
    assert_eq!(
        stage.close_code("/ws/chat/2/", &[("authorization", &format!("Bearer {}", token("7")))]).await,
        1013
    );
}

#[tokio::test(start_paused = true)]
async fn a_deprecated_path_that_is_switched_off_is_gone() {
    let stage = Stage::with(|settings| settings.deprecated_conversation_path = false).await;
    let answer = stage.get("/ws/conversation/2/", UPGRADE).await;
    assert!(answer.starts_with("HTTP/1.1 410 Gone\r\n"), "{answer}");
    assert!(stage.get("/ws/group/2/", UPGRADE).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test(start_paused = true)]
async fn the_question_for_a_conversation_needs_a_token_and_may_come_from_an_allowed_page() {
    let stage = Stage::new().await;
    let path = "/api/conversations/2/";
    for (path, headers) in
        [(path, ""), (path, "authorization: Bearer x.y.z\r\n"), ("/rooms/api/conversations/2", "")]
    {
        let answer = stage.get(path, headers).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("\r\nwww-authenticate: Bearer\r\n"), "{answer}");
    }
    let page = "origin: http://localhost:3000\r\n";
    let answer = stage.get(&format!("{path}?token={}", token("7")), page).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\naccess-control-allow-origin: http://localhost:3000\r\n"), "{answer}");
    let preflight = stage.ask(&format!("OPTIONS {path} HTTP/1.1\r\nhost: h\r\n{page}\r\n")).await;
    assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
    assert!(
        preflight.contains("\r\naccess-control-allow-headers: authorization, content-type\r\n"),
        "{preflight}"
    );
    let foreign = stage.get(path, "origin: https://evil.example\r\n").await;
    assert!(
        foreign.starts_with("HTTP/1.1 403 ") && !foreign.contains("access-control-allow-origin"),
        "{foreign}"
    );
}

#[tokio::test(start_paused = true)]
async fn half_a_request_is_cut_off_however_slowly_it_goes_on() {
    let stage = Stage::new().await;
    let begun = Instant::now();
    let mut client = stage.connect().await;
    for byte in b"GET /healthz HTTP/1.1\r\nx: ".iter().cycle() {
        if client.write_all(&[*byte]).await.is_err() {
            break;
        }
        time::sleep(Duration::from_millis(500)).await;
    }
    assert!(begun.elapsed() <= Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_long_is_not_read_to_its_end() {
    let stage = Stage::new().await;
    let answer = stage.get(&format!("/ws/chat/2/?token={}", "x".repeat(20 * 1024)), UPGRADE).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    let answer = stage.get("/healthz", &format!("x: {}\r\n", "x".repeat(64 * 1024))).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_the_cap_are_dropped_and_come_in_again_later() {
    let stage = Stage::with(|settings| settings.max_connections = 1).await;
    let mut held = Vec::new();
    for _ in 0..=TURNED_AWAY {
        held.push(stage.connect().await);
    }
    assert_eq!(stage.get("/healthz", "").await, "");
    held.clear();
    stage.quiet().await;
    assert!(stage.get("/healthz", "").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_system_makes_it_wait_and_go_on() {
    let stage = Stage::new().await;
    for _ in 0..20 {
        stage.fail(io::Error::from_raw_os_error(24)).await;
    }
    stage.fail(io::ErrorKind::ConnectionAborted.into()).await;
    assert!(stage.get("/healthz", "").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_accepted_while_it_drains() {
    let stage = Stage::new().await;
    stage.drain();
    stage.ended().await;
}
