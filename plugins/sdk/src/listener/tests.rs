use axum::{body::Bytes, routing::post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A listener with a plugin "echo" that answers what it is sent, and how to stop it.
struct Echo {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let slow = post(|body: Bytes| async move {
            sleep(Duration::from_millis(100)).await;
            body
        });
        let routes =
            Router::new().route("/hook", post(|body: Bytes| async move { body })).route("/slow", slow);
        let routes = HashMap::from([("echo".to_owned(), routes)]);
        let task = tokio::spawn(serve(listener, routes, stop.clone()));
        Self { address, stop, task }
    }

    /// Sends a request in raw form.
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The whole answer to a request.
    async fn ask(&self, request: &str) -> String {
        answer(self.send(request).await).await
    }
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn each_plugin_has_its_place_and_nothing_else_is_there() {
    let echo = Echo::start().await;
    assert!(echo.ask(&request("GET", "/healthz", "")).await.starts_with("HTTP/1.1 200"));
    let answer = echo.ask(&request("POST", "/echo/hook?token=x", "hello")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    for path in ["/", "/hook", "/echo", "/echo/other", "/other/hook"] {
        assert!(echo.ask(&request("POST", path, "")).await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let echo = Echo::start().await;
    let answer = echo.ask(&request("POST", "/echo/hook", &"x".repeat(LONGEST))).await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    let mut stream = echo.send(&request("POST", "/echo/hook", &"x".repeat(LONGEST + 1))).await;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_after_the_stop_and_no_other() {
    let echo = Echo::start().await;
    let pending = echo.send(&request("POST", "/echo/slow", "pending")).await;
    sleep(Duration::from_millis(50)).await;
    echo.stop.cancel();
    assert!(answer(pending).await.ends_with("pending"));
    echo.task.await.unwrap();
    assert!(TcpStream::connect(echo.address).await.is_err(), "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let body = Body::new(Patience::new(never, BODY));
    assert!(axum::body::to_bytes(body, LONGEST).await.is_err());
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, HashMap::new(), CancellationToken::new()));
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET /heal").await.unwrap();
    // Time stands still for what is open, and is moved by hand.
    sleep(Duration::from_millis(50)).await;
    tokio::time::pause();
    tokio::time::advance(HEADER + Duration::from_secs(1)).await;
    tokio::time::resume();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), silent.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is still open");
}

#[test]
fn names_fit_into_urls() {
    assert!(is_name("telegram") && is_name("a-2") && is_name(&"x".repeat(64)));
    for wrong in ["", "healthz", "Telegram", "a/b", "a b", "{x}", "é", &"x".repeat(65)] {
        assert!(!is_name(wrong), "{wrong}");
    }
}
