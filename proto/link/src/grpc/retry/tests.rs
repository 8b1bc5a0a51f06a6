use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use tonic::{Code, ConnectError};
use tower::{ServiceExt, service_fn};

use super::*;
use crate::grpc::{metrics::ServiceMetrics, pool::Connect, settings::Settings, verdict::code};
use causeway_proto::client::Grpc;

const READ: &str = "/causeway.chat.v1.Chat/ListMessages";
const SEND: &str = "/causeway.chat.v1.Chat/SendMessages";
const STREAM: &str = "/causeway.event.v1.Events/Subscribe";

/// What an endpoint does with a call.
#[derive(Debug, Clone, Copy)]
enum Does {
    Answer,
    /// Answers `UNAVAILABLE`.
    Refuse,
    /// There is nobody.
    Nothing,
    /// Breaks off, having perhaps done it.
    Break,
    /// Never answers.
    Hang,
}

/// Endpoints that do as they are told, by the order of their names.
struct Stage {
    retry: Retry,
    calls: Arc<AtomicU32>,
    timeouts: Arc<Mutex<Vec<Duration>>>,
}

impl Stage {
    fn new(does: &'static [Does], settings: Settings) -> Self {
        let calls = Arc::new(AtomicU32::new(0));
        let timeouts = Arc::<Mutex<Vec<Duration>>>::default();
        let (counted, noted) = (calls.clone(), timeouts.clone());
        let connect: Connect = Box::new(move |url| {
            let does = does[url.parse::<usize>().unwrap()];
            let (counted, noted) = (counted.clone(), noted.clone());
            Ok(Grpc::new(service_fn(move |request: Request<Body>| {
                counted.fetch_add(1, Ordering::SeqCst);
                noted.lock().unwrap().extend(deadline::of(request.headers()));
                act(does)
            })))
        });
        let pool = Pool::new("chat", settings.clone(), ServiceMetrics::unseen("chat"), connect);
        pool.set(&(0..does.len()).map(|number| number.to_string()).collect::<Vec<_>>()).unwrap();
        let budget = Arc::new(Budget::new(settings.retry_ratio, settings.retry_burst));
        Self { retry: Retry { pool: Arc::new(pool), budget }, calls, timeouts }
    }

    fn of(does: &'static [Does]) -> Self {
        Self::new(does, Settings { eject_after: u32::MAX, ..Settings::default() })
    }

    async fn send(&self, request: Request<Body>) -> Code {
        Verdict::of(&self.retry.clone().oneshot(request).await).code
    }

    async fn call(&self, path: &str) -> Code {
        self.send(request(path)).await
    }

    /// Makes a call twenty times, so that it surely begins at either of two endpoints.
    async fn calls(&self, path: &str) -> Vec<Code> {
        let mut codes = Vec::new();
        for _ in 0..20 {
            codes.push(self.call(path).await);
        }
        codes
    }
}

async fn act(does: Does) -> Result<Response<Body>, StdError> {
    match does {
        Does::Answer => {
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert(Status::GRPC_STATUS, "0".parse().unwrap());
            Ok(response)
        }
        Does::Refuse => Ok(Status::unavailable("not now").into_http()),
        Does::Nothing => Err(ConnectError("refused".into()).into()),
        Does::Break => Err(std::io::Error::other("connection reset").into()),
        Does::Hang => std::future::pending().await,
    }
}

fn request(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_asked_of_another_endpoint() {
    for other in [Does::Refuse, Does::Nothing, Does::Break] {
        let stage = Stage::new(
            Box::leak(Box::new([other, Does::Answer])),
            Settings { eject_after: u32::MAX, ..Settings::default() },
        );
        assert!(stage.calls(READ).await.iter().all(|code| *code == Code::Ok), "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_may_have_been_carried_out_is_not_repeated() {
    for only in [&[Does::Refuse, Does::Refuse], &[Does::Break, Does::Break]] {
        let stage = Stage::of(only);
        assert_eq!(stage.call(SEND).await, Code::Unavailable);
        assert_eq!(stage.calls.load(Ordering::SeqCst), 1, "{only:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_reached_nobody_is_made_elsewhere() {
    let stage = Stage::of(&[Does::Nothing, Does::Answer]);
    assert!(stage.calls(SEND).await.iter().all(|code| *code == Code::Ok));
}

#[tokio::test(start_paused = true)]
async fn a_send_with_a_key_is_repeated_as_if_it_only_read() {
    let stage = Stage::of(&[Does::Break, Does::Answer]);
    for _ in 0..20 {
        let mut request = request(SEND);
        request.extensions_mut().insert(Keyed);
        assert_eq!(stage.send(request).await, Code::Ok);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_never_made_again() {
    let stage = Stage::of(&[Does::Nothing, Does::Nothing]);
    assert_eq!(stage.call(STREAM).await, Code::Unavailable);
    assert_eq!(stage.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn when_all_are_down_the_budget_bounds_what_is_made_again() {
    let rules = Settings { retry_ratio: 0.1, retry_burst: 5, ..Settings::default() };
    let stage = Stage::new(&[Does::Refuse, Does::Refuse], rules);
    for _ in 0..1000 {
        assert_eq!(stage.call(READ).await, Code::Unavailable);
    }
    let calls = stage.calls.load(Ordering::SeqCst);
    assert!((1100..=1105).contains(&calls), "{calls} calls were made for 1000");
    assert_eq!(u64::from(calls), 1000 + stage.retry.pool.metrics.retries());
}

#[tokio::test(start_paused = true)]
async fn a_call_is_made_three_times_at_most() {
    let stage = Stage::of(&[Does::Nothing]);
    let begun = Instant::now();
    assert_eq!(stage.call(READ).await, Code::Unavailable);
    assert_eq!(stage.calls.load(Ordering::SeqCst), 3);
    assert!(begun.elapsed() <= Duration::from_millis(150), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn everything_happens_within_the_deadline() {
    let stage = Stage::of(&[Does::Hang, Does::Refuse]);
    for _ in 0..20 {
        let mut request = request(READ);
        let by = Instant::now() + Duration::from_secs(3);
        request.extensions_mut().insert(Deadline::at(by));
        let code = stage.send(request).await;
        assert!(Instant::now() <= by + Duration::from_millis(1));
        assert!(matches!(code, Code::DeadlineExceeded | Code::Unavailable), "{code:?}");
    }
    let timeouts = stage.timeouts.lock().unwrap();
    assert!(timeouts.iter().all(|timeout| *timeout <= Duration::from_secs(3)) && !timeouts.is_empty());
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_here() {
    let stage = Stage::of(&[Does::Answer]);
    let body = Body::new(Full::new(Bytes::from(vec![0; LONGEST_REQUEST + 1])));
    let request = Request::builder().uri(SEND).body(body).unwrap();
    let response = stage.retry.clone().oneshot(request).await.unwrap();
    assert_eq!(code(response.headers()), Some(Code::OutOfRange));
    assert_eq!(stage.calls.load(Ordering::SeqCst), 0);
}
