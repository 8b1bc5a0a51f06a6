use std::time::Duration;

use super::*;
use crate::grpc::verdict::Reached;

fn pool(urls: &[&str]) -> Pool {
    let connect: Connect = Box::new(|_| {
        let never = tower::service_fn(async |_: http::Request<tonic::body::Body>| {
            std::future::pending::<Result<http::Response<_>, tonic::codegen::StdError>>().await
        });
        Ok(Grpc::new(never))
    });
    let pool = Pool::new("chat", Settings::default(), ServiceMetrics::unseen("chat"), connect);
    pool.set(&urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>()).unwrap();
    pool
}

fn endpoint(pool: &Pool, url: &str) -> Arc<Endpoint> {
    pool.endpoints().iter().find(|endpoint| endpoint.url == url).unwrap().clone()
}

/// The endpoints of a hundred picks, each once.
fn picked(pool: &Pool) -> Vec<String> {
    let mut urls: Vec<String> = (0..100).map(|_| pool.pick(&[]).unwrap().url.clone()).collect();
    urls.sort();
    urls.dedup();
    urls
}

fn fail(pool: &Pool, url: &str, times: u32) {
    let endpoint = endpoint(pool, url);
    (0..times).for_each(|_| pool.note(&endpoint, Verdict::answered(tonic::Code::Unavailable)));
}

#[tokio::test]
async fn of_two_the_one_with_less_under_way_is_chosen() {
    let pool = pool(&["a", "b"]);
    let busy = endpoint(&pool, "a").begin();
    assert_eq!(picked(&pool), ["b"]);
    drop(busy);
    assert_eq!(picked(&pool), ["a", "b"]);
}

#[tokio::test]
async fn many_calls_at_once_are_spread_evenly() {
    let pool = pool(&["a", "b", "c"]);
    let under_way: Vec<_> = (0..300).map(|_| pool.pick(&[]).unwrap().begin()).collect();
    for endpoint in pool.endpoints().iter() {
        assert!((90..=110).contains(&endpoint.under_way()), "{}: {}", endpoint.url, endpoint.under_way());
    }
    drop(under_way);
}

#[tokio::test]
async fn what_is_not_well_is_left_out_while_another_is() {
    let pool = pool(&["a", "b", "c"]);
    endpoint(&pool, "a").set_health(Health::NotServing);
    endpoint(&pool, "b").set_health(Health::Unreachable);
    assert_eq!(picked(&pool), ["c"]);
    endpoint(&pool, "c").set_health(Health::Incompatible);
    assert_eq!(picked(&pool), ["a", "b", "c"], "none is well: it may be we who cannot see");
}

#[tokio::test]
async fn a_call_goes_where_it_has_not_been() {
    let pool = pool(&["a", "b"]);
    let tried = [endpoint(&pool, "a")];
    assert!((0..100).all(|_| pool.pick(&tried).unwrap().url == "b"));
    endpoint(&pool, "b").set_health(Health::Unreachable);
    assert_eq!(pool.pick(&tried).unwrap().url, "a", "rather again than where nobody is");
}

#[tokio::test(start_paused = true)]
async fn a_sick_endpoint_is_left_out_for_a_while_and_comes_back() {
    let pool = pool(&["a", "b"]);
    fail(&pool, "a", 5);
    assert_eq!(picked(&pool), ["b"]);
    assert_eq!(pool.metrics.ejections(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(picked(&pool), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn at_most_half_are_ejected() {
    let pool = pool(&["a", "b", "c", "d", "e"]);
    for url in ["a", "b", "c", "d", "e"] {
        fail(&pool, url, 50);
    }
    assert_eq!(pool.metrics.ejections(), 2);
    assert_eq!(picked(&pool).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_only_endpoint_is_never_ejected() {
    let pool = pool(&["a"]);
    fail(&pool, "a", 50);
    assert_eq!(picked(&pool), ["a"]);
    assert_eq!(pool.metrics.ejections(), 0);
}

#[tokio::test]
async fn an_endpoint_that_was_lost_is_asked_at_once_and_others_are_preferred() {
    let pool = pool(&["a", "b"]);
    pool.note(&endpoint(&pool, "a"), Verdict { code: tonic::Code::Unavailable, reached: Reached::Perhaps });
    assert_eq!(picked(&pool), ["b"]);
    pool.look.notified().await;
}

#[tokio::test]
async fn a_connection_that_breaks_under_many_calls_is_one_failure() {
    let pool = pool(&["a", "b"]);
    let broken = Verdict { code: tonic::Code::Unavailable, reached: Reached::Perhaps };
    let endpoint = endpoint(&pool, "a");
    (0..100).for_each(|_| pool.note(&endpoint, broken));
    assert_eq!(pool.metrics.ejections(), 0);
    for _ in 0..4 {
        endpoint.set_health(Health::Well);
        pool.note(&endpoint, broken);
    }
    assert_eq!(pool.metrics.ejections(), 1, "well when asked, and broken again when called");
}

#[tokio::test]
async fn endpoints_that_stay_keep_what_is_known_of_them() {
    let pool = pool(&["a", "b"]);
    endpoint(&pool, "a").set_health(Health::NotServing);
    pool.set(&["a".to_owned(), "c".to_owned()]).unwrap();
    assert_eq!(endpoint(&pool, "a").health(), Health::NotServing);
    assert_eq!(picked(&pool), ["c"]);
}

#[tokio::test(start_paused = true)]
async fn without_an_address_callers_hear_why() {
    let pool = Arc::new(Pool::new(
        "chat",
        Settings::default(),
        ServiceMetrics::unseen("chat"),
        Box::new(causeway_proto::client::connect),
    ));
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.known().await }
    });
    pool.look.notified().await;
    pool.not_found("chat.internal is not found".to_owned());
    let refused = waiting.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(refused.message(), "chat has no address: chat.internal is not found");
}
