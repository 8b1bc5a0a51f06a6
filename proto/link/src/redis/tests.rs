//! Against real servers: they die, hang, fail over and move slots.

use std::time::Duration;

use redis::{Script, cmd};
use tokio::time::timeout;

use super::{Address, Redis, Settings};

#[path = "../../../../tests/stand_ins/redis.rs"]
mod stand_in;

const PATIENCE: Duration = Duration::from_secs(30);

fn settings(url: &str) -> Settings {
    Settings::new(url.parse::<Address>().unwrap())
}

async fn connect(url: &str) -> Redis {
    Redis::connect(settings(url)).await.unwrap()
}

/// What a script makes of two numbers.
async fn sum(redis: &Redis) -> redis::RedisResult<i64> {
    let script =
        Script::new("redis.call('SET', KEYS[1], ARGV[1]); return redis.call('INCRBY', KEYS[1], ARGV[2])");
    script.key("{sum}").arg(40).arg(2).invoke_async(&mut redis.commands()).await
}

async fn until_healthy(redis: &Redis, wanted: bool) {
    let mut health = redis.health();
    timeout(PATIENCE, health.wait_for(|health| *health == wanted)).await.unwrap().unwrap();
}

#[tokio::test]
async fn scripts_run_and_errors_of_the_server_are_errors() {
    let Some(server) = stand_in::Redis::start() else { return };
    let redis = connect(&server.url()).await;
    assert_eq!(sum(&redis).await.unwrap(), 42);
    server.command(&["script", "flush"]);
    assert_eq!(sum(&redis).await.unwrap(), 42);
    assert!(cmd("GET").exec_async(&mut redis.commands()).await.is_err());
    let (set, got): (String, String) = redis::pipe()
        .cmd("SET")
        .arg("a")
        .arg("b")
        .cmd("GET")
        .arg("a")
        .query_async(&mut redis.commands())
        .await
        .unwrap();
    assert_eq!((set.as_str(), got.as_str()), ("OK", "b"));
}

#[tokio::test]
async fn a_password_is_shown_to_the_server_and_to_nobody_else() {
    let Some(server) = stand_in::Redis::start_with(&["--user", "ann", "on", ">s@cret", "~*", "&*", "+@all"])
    else {
        return;
    };
    server.command(&["config", "set", "requirepass", "s@cret"]);
    let right = format!("redis://ann:s%40cret@127.0.0.1:{}", server.port());
    assert_eq!(sum(&connect(&right).await).await.unwrap(), 42);
    let wrong = format!("redis://ann:hunter2@127.0.0.1:{}", server.port());
    let settings = Settings { start_timeout: Duration::from_millis(300), ..settings(&wrong) };
    let error = Redis::connect(settings).await.unwrap_err().to_string();
    assert!(
        error.contains("redis.url") && error.contains("WRONGPASS") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn over_tls_only_a_server_that_shows_the_right_certificate_is_spoken_to() {
    let dir = tempfile::tempdir().unwrap();
    let [shown, other] =
        [(); 2].map(|()| rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap());
    let [cert, key] = ["cert", "key"].map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&cert, shown.cert.pem()).unwrap();
    std::fs::write(&key, shown.signing_key.serialize_pem()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let Some(_server) = stand_in::Redis::start_with(&tls) else { return };
    let trusting = |ca: String| Settings {
        ca: Some(ca.into_bytes()),
        start_timeout: Duration::from_secs(1),
        ..settings(&format!("rediss://127.0.0.1:{port}"))
    };
    let redis = Redis::connect(trusting(shown.cert.pem())).await.unwrap();
    assert_eq!(sum(&redis).await.unwrap(), 42);
    let error = Redis::connect(trusting(other.cert.pem())).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_in_time_is_named_with_the_reason() {
    for url in
        ["redis://:hunter2@127.0.0.1:1", "redis+cluster://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/main"]
    {
        let settings = Settings { start_timeout: Duration::from_millis(300), ..settings(url) };
        let error = Redis::connect(settings).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1") && error.contains("redis.url"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn start_waits_for_a_server_that_comes_later() {
    let Some(mut server) = stand_in::Redis::start() else { return };
    server.kill();
    let url = server.url();
    let mut connecting = tokio::spawn(async move { connect(&url).await });
    assert!(timeout(Duration::from_millis(200), &mut connecting).await.is_err());
    server.resume();
    assert_eq!(sum(&connecting.await.unwrap()).await.unwrap(), 42);
}

#[tokio::test]
async fn the_connection_comes_back_after_the_server_was_killed() {
    let Some(mut server) = stand_in::Redis::start() else { return };
    let redis = connect(&server.url()).await;
    server.kill();
    until_healthy(&redis, false).await;
    let started = tokio::time::Instant::now();
    assert!(sum(&redis).await.is_err());
    assert!(started.elapsed() < Duration::from_secs(3));
    server.resume();
    until_healthy(&redis, true).await;
    assert_eq!(sum(&redis).await.unwrap(), 42);
}

#[tokio::test]
async fn a_server_that_hangs_counts_as_away_until_it_answers() {
    let Some(server) = stand_in::Redis::start() else { return };
    let redis = connect(&server.url()).await;
    server.pause();
    until_healthy(&redis, false).await;
    server.unpause();
    until_healthy(&redis, true).await;
    assert_eq!(sum(&redis).await.unwrap(), 42);
}

#[tokio::test]
async fn a_server_that_has_become_a_replica_is_left_and_looked_for_again() {
    let Some(server) = stand_in::Redis::start() else { return };
    let redis = connect(&server.url()).await;
    let mut health = redis.health();
    health.borrow_and_update();
    server.command(&["replicaof", "127.0.0.1", "1"]);
    assert!(sum(&redis).await.is_err());
    timeout(PATIENCE, health.changed()).await.unwrap().unwrap();
    server.command(&["replicaof", "no", "one"]);
    until_healthy(&redis, true).await;
    assert_eq!(sum(&redis).await.unwrap(), 42);
}

#[tokio::test]
async fn a_cluster_is_reached_node_by_node() {
    let Some(cluster) = stand_in::Cluster::start() else { return };
    let redis = connect(&cluster.url()).await;
    for key in 0..50 {
        cmd("SET").arg(key).arg(key).exec_async(&mut redis.commands()).await.unwrap();
    }
    assert_eq!(sum(&redis).await.unwrap(), 42);
    let shards = redis.shards().await.unwrap();
    let slots: usize = shards.iter().flat_map(|shard| &shard.slots).map(ExactSizeIterator::len).sum();
    assert_eq!((shards.len(), slots), (3, usize::from(super::SLOTS)));
    assert!(*redis.health().borrow());
}

#[tokio::test]
async fn when_the_sentinels_name_another_primary_commands_go_there() {
    let Some(mut sentinels) = stand_in::Sentinels::start() else { return };
    let redis = connect(&sentinels.url()).await;
    assert_eq!(sum(&redis).await.unwrap(), 42);
    assert_eq!(redis.shards().await.unwrap()[0].endpoint.port, sentinels.servers[0].port());
    sentinels.servers[0].kill();
    until_healthy(&redis, false).await;
    until_healthy(&redis, true).await;
    assert_eq!(redis.shards().await.unwrap()[0].endpoint.port, sentinels.servers[1].port());
    assert_eq!(sum(&redis).await.unwrap(), 42);
}
