//! Services at several addresses, some of which are dead: nobody notices but the operators.

use std::{net::SocketAddr, process::Command, time::Duration};

use causeway_proto::{
    chat::{GetUserRequest, directory_client::DirectoryClient},
    client::{Credential, remote},
};
use serde_json::json;
use tonic::{Code, Request};

use crate::stage::{
    Causeway, Client, Person, Setup, eventually, http,
    process::{Process, free_address},
};

/// Another bridge on the services of a Causeway, which it is told of in its own way.
struct Bridge {
    process: Process,
    at: SocketAddr,
    admin: SocketAddr,
}

impl Bridge {
    /// `urls` are the `url` of services, by name.
    fn start(causeway: &Causeway, urls: &[(&str, String)]) -> Self {
        let (at, admin) = (free_address(), free_address());
        let listens = ["bridge", "--listen", &at.to_string(), "--admin", &admin.to_string()];
        let mut command = causeway.command(&listens);
        for (service, url) in urls {
            command.env(format!("CAUSEWAY_SERVICES__{}__URL", service.to_uppercase()), url);
        }
        command.env("CAUSEWAY_SERVICES__CLIENT__HEALTH_INTERVAL", "200ms");
        Self { process: Process::start(command, causeway.home()), at, admin }
    }

    async fn is_ready(&self) -> bool {
        http::get(self.at, "/readyz", &[]).await.is_ok_and(|answer| answer.status == 200)
    }

    /// The value of the first metric that begins so.
    async fn metric(&self, line: &str) -> Option<f64> {
        let text = http::get(self.admin, "/metrics", &[]).await.ok()?.body;
        text.lines().find(|found| found.starts_with(line))?.rsplit(' ').next()?.parse().ok()
    }

    async fn client(&self, causeway: &Causeway, person: &Person, path: &str) -> Client {
        let token = causeway.token(&person.id).await;
        let url = format!("ws://{}{path}?token={token}", self.at);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Client::new(socket, person.first_name.clone())
    }
}

/// All three services, each with a dead endpoint before the one that there is.
fn half_dead(causeway: &Causeway) -> Vec<(&'static str, String)> {
    let at = [
        ("chat", causeway.at.chat),
        ("notification", causeway.at.notification),
        ("presence", causeway.at.presence),
    ];
    at.map(|(service, alive)| (service, format!("http://{}, http://{alive}", free_address()))).into()
}

#[tokio::test]
async fn a_dead_endpoint_beside_each_service_costs_nothing() {
    let causeway = Setup::default().split().set("bridge.rate.frames_per_second", 0).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let bridge = Bridge::start(&causeway, &half_dead(&causeway));
    eventually("the bridge is ready", async || bridge.is_ready().await).await;

    let path = format!("/ws/group/{id}/");
    let mut alices = bridge.client(&causeway, &alice, &path).await;
    let mut bobs = bridge.client(&causeway, &bob, &path).await;
    for number in 0..50 {
        alices.send(json!({"type": "message", "content": number.to_string()})).await;
        assert_eq!(bobs.expect("message").await["message"]["content"], number.to_string());
        alices.expect("message").await;
    }
    for service in ["chat", "notification", "presence"] {
        for (state, wanted) in [("unreachable", 1.0), ("well", 1.0), ("ejected", 0.0)] {
            let line = format!("causeway_link_endpoints{{service=\"{service}\",state=\"{state}\"}}");
            eventually("the endpoints are counted", async || bridge.metric(&line).await == Some(wanted))
                .await;
        }
        let breaker = format!("causeway_link_breaker_openings_total{{service=\"{service}\"}}");
        assert_eq!(bridge.metric(&breaker).await, Some(0.0));
    }
    let printed = bridge.process.printed();
    let told = ["an endpoint is not reached", "an endpoint is lost"];
    assert!(told.iter().any(|line| printed.contains(line)), "{printed}");
}

#[tokio::test]
async fn a_service_is_found_by_name() {
    let causeway = Setup::default().split().start().await;
    let chat = ("chat", format!("dns:///localhost:{}", causeway.at.chat.port()));
    let bridge = Bridge::start(&causeway, &[chat]);
    eventually("the bridge is ready", async || bridge.is_ready().await).await;
}

#[tokio::test]
async fn when_a_replica_is_killed_the_bridge_goes_on_with_another() {
    let causeway = Setup::default().split().start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    // Another presence, on a store of its own: presence needs no more than to be there.
    let (other, home) = (free_address(), tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.args(["presence", "--listen", &other.to_string()]).current_dir(home.path());
    command.arg("--data-dir").arg(home.path().join("data"));
    command.env("CAUSEWAY_AUTH__SERVICE_TOKEN", causeway.service_token());
    let mut second = Some(Process::start(command, &home.path().join("data")));

    let both = format!("http://{other},http://{}", causeway.at.presence);
    let bridge = Bridge::start(&causeway, &[("presence", both)]);
    eventually("the bridge is ready", async || bridge.is_ready().await).await;
    let well = "causeway_link_endpoints{service=\"presence\",state=\"well\"}";
    eventually("both are well", async || bridge.metric(well).await == Some(2.0)).await;

    let mut alices = bridge.client(&causeway, &alice, &path).await;
    second.take().unwrap().kill();
    let begun = std::time::Instant::now();
    eventually("one is well", async || bridge.metric(well).await == Some(1.0)).await;
    eventually("the bridge is ready", async || bridge.is_ready().await).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    alices.send(json!({"type": "message", "content": "still here"})).await;
    alices.expect("message").await;
}

#[tokio::test]
async fn commands_take_a_list_too() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let show = |url: String| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command.args(["user", "show", &alice.id, "--data-dir"]).arg(home.path()).current_dir(home.path());
        command.env("CAUSEWAY_SERVICE_TOKEN", causeway.service_token());
        command.env("CAUSEWAY_SERVICES__CHAT__URL", url);
        async { tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap() }
    };
    for _ in 0..4 {
        let output = show(format!("http://{},http://{}", free_address(), causeway.at.chat)).await;
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("Alice"), "{output:?}");
    }
    let nobody = show(format!("http://{},http://{}", free_address(), free_address())).await;
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no server answers at http://"), "{nobody:?}");
    let wrong = show("http://a:1,b".to_owned()).await;
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("services.chat.url") && said.contains("dns:///"), "{said}");
}

#[tokio::test]
async fn a_caller_of_another_protocol_is_refused_and_both_are_named() {
    let causeway = Causeway::shared().await;
    let credential = Credential::bearer(&causeway.service_token()).unwrap();
    let mut directory =
        DirectoryClient::new(remote(&format!("http://{}", causeway.at.chat), credential).unwrap());
    let mut request = Request::new(GetUserRequest::default());
    request.metadata_mut().insert("causeway-peer", "bridge/99.0.0; protocol=99".parse().unwrap());
    let refused = directory.get_user(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    for named in ["chat", env!("CARGO_PKG_VERSION"), "bridge 99.0.0 (protocol 99)"] {
        assert!(refused.message().contains(named), "{}", refused.message());
    }
}
