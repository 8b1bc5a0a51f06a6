//! The doctor, on what processes share and on the services of several processes.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use serde::Deserialize;

use super::{complaint, printed};
use crate::{
    postgres::Postgres,
    redis::{Cluster, Redis, Sentinels},
    stage::{Causeway, Setup},
};

#[derive(Debug, Deserialize)]
struct Finding {
    subject: String,
    state: String,
    found: String,
    #[serde(default)]
    way_out: String,
}

/// What the doctor said, in order.
#[derive(Debug)]
struct Said(Vec<Finding>);

impl Said {
    fn read(output: &Output) -> Self {
        let said = serde_json::from_slice(&output.stdout);
        Self(said.unwrap_or_else(|error| panic!("{error}: {}{}", printed(output), complaint(output))))
    }

    /// On a Causeway, with another setting.
    async fn on(causeway: &Causeway, environment: &[(&str, &str)]) -> Self {
        let mut command = causeway.command(&["doctor", "--json"]);
        command.envs(environment.iter().copied());
        Self::read(&tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
    }

    /// Where nothing runs.
    async fn alone(key: &'static str, url: String) -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let doctor = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
            command.args(["doctor", "--json"]).env(key, url).current_dir(home.path()).output()
        };
        Self::read(&tokio::task::spawn_blocking(doctor).await.unwrap().unwrap())
    }

    /// That it said this, in this state, with a way out that holds a word.
    #[track_caller]
    fn expect(&self, subject: &str, state: &str, found: &str, way_out: &str) {
        let is_so = |finding: &&Finding| {
            let Finding { subject: of, state: is, found: said, way_out: way } = finding;
            of == subject && is == state && said.contains(found) && way.contains(way_out)
        };
        assert!(self.0.iter().any(|finding| is_so(&finding)), "no {state} {subject} {found:?} in {self:#?}");
    }
}

const STORE: &str = "CAUSEWAY_STORE__URL";
const REDIS: &str = "CAUSEWAY_REDIS__URL";

fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn what_processes_share_is_found_well_and_no_password_is_shown() {
    let (Some(postgres), Some(redis)) = (Postgres::start_with(&[]), Redis::start()) else { return };
    redis.command(&["config", "set", "requirepass", "hunter2"]);
    let url = redis.url().replace("//", "//:hunter2@");
    let causeway =
        Setup::default().set("store.url", postgres.database("causeway")).set("redis.url", url).start().await;
    let output = causeway.run(&["doctor", "--json"]).await;
    assert!(output.status.success(), "{}{}", printed(&output), complaint(&output));
    let said = Said::read(&output);
    said.expect("store", "well", "can be written to, version 1", "");
    for store in ["chat", "notification", "presence"] {
        said.expect("store", "well", &format!("{store} has version "), "");
        said.expect(store, "well", "serves as presence+notification+chat 0.", "");
    }
    let place = format!("redis://127.0.0.1:{} is one server, version ", redis.port());
    said.expect("redis", "well", &place, "");

    let people = causeway.run(&["doctor"]).await;
    for output in [output, people] {
        let shown = format!("{}{}", printed(&output), complaint(&output));
        assert!(!shown.contains("hunter2") && !shown.contains("a-word-of-passage"), "{shown}");
    }
}

#[tokio::test]
async fn a_postgresql_that_cannot_be_used_is_named_with_the_way_out() {
    let Some(postgres) = Postgres::start() else { return };
    let (good, port) = (postgres.database("doctor"), postgres.port().to_string());
    let name = good.rsplit('/').next().unwrap();
    let said = Said::alone(STORE, good.clone()).await;
    said.expect("store", "note", "fsync off", "postgresql.conf");
    said.expect("store", "note", "chat has no tables yet", "first start");

    postgres.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let refused = "does not let us in";
    for (url, found, way_out) in [
        (good.clone(), "it takes no writes", "name the primary"),
        (good.replace("a-word-of-passage", "hunter2"), refused, "role"),
        (good.replace(name, "nowhere"), refused, "database"),
        (good.replace(&port, &dead_port().to_string()), "cannot be reached", "store.url"),
    ] {
        let said = Said::alone(STORE, url).await;
        said.expect("store", "wrong", found, way_out);
        said.expect("store", "wrong", "at 127.0.0.1", "");
        assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
    }
}

#[tokio::test]
async fn tables_of_a_newer_version_and_tables_that_may_not_be_used_are_found() {
    let Some(postgres) = Postgres::start() else { return };
    let tables = |store: &str, version: u32| {
        let schema = format!("causeway_{store}");
        postgres.sql(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.migration (owner TEXT, version BIGINT);
             INSERT INTO {schema}.migration VALUES ('kit', 4), ('{store}', {version})"
        ));
    };
    tables("chat", 99);
    tables("notification", 0);
    let any = postgres.database("any");
    let url = any.replace(any.rsplit('/').next().unwrap(), "postgres");
    let said = Said::alone(STORE, url.clone()).await;
    said.expect("store", "wrong", "chat has version 99 of its schema", "run the version");
    said.expect("store", "note", "notification has version 0 of its schema", "the next start");
    said.expect("store", "note", "presence has no tables yet", "first start");

    postgres.sql("CREATE ROLE guest LOGIN PASSWORD 'hunter2'");
    let said = Said::alone(STORE, url.replace("causeway:a-word-of-passage", "guest:hunter2")).await;
    said.expect("store", "wrong", "may not read and write the tables of chat in causeway_chat", "own them");
    said.expect("store", "wrong", "presence has no tables", "GRANT CREATE");
}

#[tokio::test]
async fn a_redis_that_is_away_or_forgets_is_named() {
    let Some(redis) = Redis::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])
    else {
        return;
    };
    let said = Said::alone(REDIS, redis.url()).await;
    said.expect("redis", "note", "forgets who is online", "noeviction");
    let said = Said::alone(REDIS, format!("redis://:hunter2@127.0.0.1:{}", dead_port())).await;
    said.expect("redis", "wrong", "(redis.url) cannot be used", "start it");
    assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
}

#[tokio::test]
async fn sentinels_and_replicas_are_told_apart() {
    let Some(sentinels) = Sentinels::start() else { return };
    let primary = format!("3 Sentinels, whose primary main is 127.0.0.1:{}", sentinels.servers[0].port());
    Said::alone(REDIS, sentinels.url()).await.expect("redis", "well", &primary, "");
    let one_more = sentinels.url().replace("//", &format!("//127.0.0.1:{},", dead_port()));
    let said = Said::alone(REDIS, one_more).await;
    said.expect("redis", "well", "4 Sentinels", "");
    said.expect("redis", "note", "does not name the primary", "redis.url");
    let said = Said::alone(REDIS, sentinels.servers[1].url()).await;
    said.expect("redis", "wrong", "is a replica and takes no writes", "primary");
}

#[tokio::test]
async fn every_node_of_a_cluster_is_looked_at() {
    let Some(cluster) = Cluster::start() else { return };
    let said = Said::alone(REDIS, cluster.url()).await;
    said.expect("redis", "well", "a cluster of 3 primaries, version ", "");
    let with_a_dead_one = format!("{},127.0.0.1:{}", cluster.url(), dead_port());
    Said::alone(REDIS, with_a_dead_one).await.expect("redis", "note", "does not answer", "redis.url");
}

#[tokio::test]
async fn every_endpoint_of_a_service_is_looked_at() {
    const CHAT: &str = "CAUSEWAY_SERVICES__CHAT__URL";
    let causeway = Setup::default().split().start().await;
    let (here, gone) = (format!("http://{}", causeway.at.chat), format!("http://127.0.0.1:{}", dead_port()));
    let said = Said::on(&causeway, &[(CHAT, &format!("{here},{gone}"))]).await;
    said.expect("chat", "well", &format!("{here} serves as chat 0."), "");
    said.expect("chat", "wrong", &format!("{gone} does not answer"), "services.chat.url");
    said.expect("presence", "well", "serves as presence 0.", "");

    let dns = format!("dns:///{}", causeway.at.notification);
    let said = Said::on(&causeway, &[("CAUSEWAY_SERVICES__NOTIFICATION__URL", &dns)]).await;
    said.expect("notification", "well", &format!("http://{} serves", causeway.at.notification), "");
    let said = Said::on(&causeway, &[(CHAT, "dns:///nowhere.invalid:1")]).await;
    said.expect("chat", "wrong", "the addresses of dns:///nowhere.invalid:1 are not found", "DNS");
    let wrong = format!("http://{}", causeway.at.presence);
    let said = Said::on(&causeway, &[(CHAT, &wrong)]).await;
    said.expect("chat", "wrong", &format!("{wrong} is a server without this service"), "the right one");
}
