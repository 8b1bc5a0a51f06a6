//! Links over real servers on loopback, each in a runtime of its own so that it can be killed.

mod encrypted;
mod inspect;
mod stage;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio_util::task::TaskTracker;
use tonic::Code;

use super::*;
use stage::{Mood, Served, Subscription, eventually, link, link_with, read, urls};

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_spread_over_all_endpoints() {
    let servers = [Served::start(), Served::start(), Served::start()];
    let client = link(&urls(&servers));
    let mut asked = HashSet::new();
    for _ in 0..100 {
        asked.insert(read(&client).await.unwrap());
    }
    assert_eq!(asked.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_costs_no_call_that_may_be_repeated() {
    let (mut servers, failed, made) =
        ([Served::start(), Served::start()], Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
    let client = link(&urls(&servers));
    let tasks = TaskTracker::new();
    let stop = tokio_util::sync::CancellationToken::new();
    for _ in 0..32 {
        let (client, failed, made, stop) = (client.clone(), failed.clone(), made.clone(), stop.clone());
        tasks.spawn(async move {
            while !stop.is_cancelled() {
                match read(&client).await {
                    Ok(_) => drop(made.fetch_add(1, Ordering::SeqCst)),
                    Err(status) => failed.lock().unwrap().push(status),
                }
            }
        });
    }
    let calls = |more: u64| {
        let wanted = made.load(Ordering::SeqCst) + more;
        let made = made.clone();
        eventually(async move || made.load(Ordering::SeqCst) >= wanted)
    };
    for round in 0..6 {
        calls(200).await;
        servers[round % 2].kill();
        calls(200).await;
        servers[round % 2].start_again();
        // It must be back before the other one goes.
        let (server, before) = (&servers[round % 2], servers[round % 2].calls());
        eventually(async move || server.calls() > before + 50).await;
    }
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    let failed = failed.lock().unwrap();
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), made.load(Ordering::SeqCst), failed[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_says_it_does_not_serve_gets_no_more_calls() {
    let servers = [Served::start(), Served::start()];
    let client = link(&urls(&servers));
    servers[0].serves(false).await;
    let (mut avoided, mut at) = (0, 0);
    // Twenty calls in a row that it did not get.
    eventually(async || {
        read(&client).await.unwrap();
        let now = servers[0].calls();
        avoided = if now == at { avoided + 1 } else { 0 };
        at = now;
        avoided > 20
    })
    .await;
    servers[0].serves(true).await;
    eventually(async || read(&client).await.unwrap() == servers[0].number).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sick_endpoint_is_ejected_and_comes_back() {
    let servers = [Served::start(), Served::start()];
    let (mut registry, rules) = (Registry::default(), stage::quick());
    let metrics = Metrics::register(&mut registry);
    let client =
        link_with(&urls(&servers), Settings { eject_for: Duration::from_millis(500), ..rules }, metrics);
    servers[0].is(Mood::Sick);
    let shows = |line: &str| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text.contains(line)
    };
    eventually(async || {
        read(&client).await.expect("the other one answers");
        shows("link_ejections_total{service=\"chat\"} 1")
    })
    .await;
    assert!(shows("link_endpoints{service=\"chat\",state=\"ejected\"} 1"));
    let at = servers[0].calls();
    for _ in 0..20 {
        read(&client).await.unwrap();
    }
    assert_eq!(servers[0].calls(), at, "it is left out");
    servers[0].is(Mood::Well);
    eventually(async || read(&client).await.unwrap() == servers[0].number).await;
    eventually(async || shows("link_endpoints{service=\"chat\",state=\"ejected\"} 0")).await;
    assert!(shows("link_endpoints{service=\"chat\",state=\"well\"} 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_opens_when_all_are_gone_and_closes_when_one_is_back() {
    let mut servers = [Served::start(), Served::start()];
    let client = link(&urls(&servers));
    read(&client).await.unwrap();
    servers.iter_mut().for_each(Served::kill);
    let mut message = String::new();
    for _ in 0..200 {
        let status = read(&client).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        message = status.message().to_owned();
        if message.starts_with("chat does not answer") {
            break;
        }
    }
    assert!(message.starts_with("chat does not answer; it is tried again in"), "{message}");
    servers[1].start_again();
    let begun = std::time::Instant::now();
    eventually(async || read(&client).await.is_ok()).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A name whose addresses a test decides on.
struct Book(Mutex<Vec<std::net::SocketAddr>>, AtomicU64);

impl Resolve for Book {
    fn resolve<'a>(&'a self, _: &'a Name) -> BoxFuture<'a, std::io::Result<Vec<std::net::SocketAddr>>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(self.0.lock().unwrap().clone())))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_resolved_again_and_again_and_when_endpoints_fail() {
    let (mut first, second) = (Served::start(), Served::start());
    let book = Arc::new(Book(Mutex::new(vec![first.address]), AtomicU64::new(0)));
    // So seldom that only failures can be the reason.
    let settings = Settings { dns_interval: Duration::from_secs(600), ..stage::quick() };
    let reach = Reach { resolver: book.clone(), settings, ..Reach::new("test") };
    let client = stage::client(&reach, "dns:///chat.internal:8011");
    assert_eq!(read(&client).await.unwrap(), first.number);
    *book.0.lock().unwrap() = vec![second.address];
    first.kill();
    eventually(async || read(&client).await.ok() == Some(second.number)).await;
    let resolved = book.1.load(Ordering::SeqCst);
    assert!(resolved >= 2, "{resolved}");

    let settings = Settings { dns_interval: Duration::from_millis(600), ..stage::quick() };
    let reach = Reach { resolver: book.clone(), settings, ..Reach::new("test") };
    let client = stage::client(&reach, "dns:///chat.internal:8011");
    assert_eq!(read(&client).await.unwrap(), second.number);
    let third = Served::start();
    *book.0.lock().unwrap() = vec![third.address];
    eventually(async || read(&client).await.unwrap() == third.number).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_found_is_named() {
    let reach = Reach { settings: stage::quick(), ..Reach::new("test") };
    let client = stage::client(&reach, "dns:///nobody.invalid:8011");
    let status = read(&client).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("nobody.invalid"), "{}", status.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_moves_when_its_endpoint_stops_soon() {
    let servers = [Served::start(), Served::start()];
    let client = link(&urls(&servers));
    let mut stream = Subscription::open(&client).await.unwrap();
    let here = usize::from(servers[1].streams() == 1);
    servers[here].serves(false).await;
    let ended =
        tokio::time::timeout(Duration::from_secs(5), stream.incoming.message()).await.expect("it ends");
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
    let _next = Subscription::open(&client).await.unwrap();
    assert_eq!(servers[1 - here].streams(), 1, "the next is where it is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_moves_when_its_endpoint_stands_still() {
    let servers = [Served::start(), Served::start()];
    let client = link(&urls(&servers));
    let mut stream = Subscription::open(&client).await.unwrap();
    let here = usize::from(servers[1].streams() == 1);
    servers[here].stands_still(Duration::from_secs(6));
    let ended =
        tokio::time::timeout(Duration::from_secs(4), stream.incoming.message()).await.expect("it ends");
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
    let _next = Subscription::open(&client).await.unwrap();
    assert_eq!(servers[1 - here].streams(), 1, "the next is where it is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_broke_is_opened_elsewhere_at_once() {
    let mut servers = [Served::start(), Served::start()];
    let client = link(&urls(&servers));
    for round in 0..4 {
        let mut stream = Subscription::open(&client).await.unwrap();
        let here = usize::from(servers[1].streams() == 1);
        servers[here].kill();
        stream.incoming.message().await.expect_err("it breaks");
        let next = Subscription::open(&client).await;
        assert!(next.is_ok(), "round {round}: {:?}", next.err());
        drop((next, stream));
        servers[here].start_again();
        eventually(async || servers.iter().all(|server| server.streams() == 0)).await;
        eventually(async || read(&client).await.unwrap() == servers[here].number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_does_not_fit_is_noticed_and_avoided() {
    let newer = Served::saying("causeway-peer", "chat/9.0.0; protocol=9".to_owned());
    let servers = [newer, Served::start()];
    let reach = Reach { settings: stage::quick(), ..Reach::new("test") };
    let all = reach.service(Service::Chat, &urls(&servers).parse().unwrap()).unwrap();
    let only = reach.service(Service::Chat, &urls(&servers[..1]).parse().unwrap()).unwrap();
    eventually(async || only.versions().do_not_fit()).await;
    assert!(!all.versions().do_not_fit());
    let client = all.grpc(stage::credential());
    for _ in 0..50 {
        // It is found out while the first calls are made; from then on none goes there.
        eventually(async || read(&client).await.is_ok_and(|number| number == servers[1].number)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_measured() {
    let an_hour_ahead = causeway_proto::time::Clock::default().now_micros() + 3_600_000_000;
    let server = Served::saying("causeway-time", an_hour_ahead.to_string());
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let _client = link_with(&server.url(), stage::quick(), metrics);
    eventually(async || {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let value = text.lines().find(|line| line.starts_with("link_clock_skew_seconds{"));
        value.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|skew| skew > 3500.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_names_its_caller_and_its_time() {
    let server = Served::start();
    let client = link(&server.url());
    read(&client).await.unwrap();
    let seen = server.seen();
    assert!(
        seen.iter().any(|(name, value)| name == "causeway-peer" && value.starts_with("test/")),
        "{seen:?}"
    );
    assert!(seen.iter().any(|(name, _)| name == "grpc-timeout"), "{seen:?}");
}
