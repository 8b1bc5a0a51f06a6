//! Two processes of a service host the plugins of one store.

use std::{
    thread,
    time::{Duration, Instant},
};

use causeway_proto::plugin::{
    Capabilities, Credit, DeliveryState, Hello, OutcomeCode, RemovePluginRequest, Typing, attach_request,
    attach_response,
};
use tokio::{
    runtime::{self, Runtime},
    time::{sleep, timeout},
};
use tonic::Code;

use super::stage::{Line, Service, hello};
use crate::bus::{
    Bus,
    redis::tests::{Process, stand_in},
};

/// Two processes that do not hear each other: everything is found out from the store.
async fn deaf() -> Option<[Service; 2]> {
    Service::two([Bus::default(), Bus::default()]).await
}

/// Two that hear each other.
async fn hearing() -> Option<[Service; 2]> {
    let bus = Bus::default();
    Service::two([bus.clone(), bus]).await
}

/// A process of which the first of two is moved into a runtime of its own, with a plugin, so that it can die and be paused.
struct Doomed {
    runtime: Runtime,
    line: Line,
    /// What it was: its tasks are the runtime's.
    _service: Service,
}

impl Doomed {
    async fn host(service: Service, name: &'static str, instance: &'static str) -> Self {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let opened = tokio::task::spawn_blocking(move || {
            let line = runtime.block_on(Line::open(&service, name, instance));
            Self { runtime, line, _service: service }
        });
        opened.await.unwrap()
    }

    /// Dies as by `kill -9`, as far as others can tell: nothing is given up.
    fn die(self) {
        self.runtime.shutdown_background();
    }

    fn pause(&self, how_long: Duration) {
        self.runtime.spawn(async move { thread::sleep(how_long) });
    }
}

/// Attaches and takes deliveries.
async fn attach(service: &Service, token: &str, hello: Hello) -> Line {
    let line = timeout(Duration::from_secs(10), Line::attach(service.grpc(token), hello)).await;
    let mut line = line.expect("it is let in within 10 s").unwrap();
    line.say(attach_request::Message::Credit(Credit { amount: 10 })).await;
    line
}

async fn refusal(service: &Service, token: &str, instance: &str) -> Code {
    Line::attach(service.grpc(token), hello("tele", instance)).await.map(drop).unwrap_err().code()
}

#[tokio::test]
async fn a_plugin_that_moves_between_processes_loses_and_doubles_nothing() {
    let Some(services) = deaf().await else { return };
    let token = services[0].add("tele").await;
    let mut line = attach(&services[0], &token, hello("tele", "a")).await;
    let mut expected = Vec::new();
    for round in 1..=6_u64 {
        // What the other process owes is found too.
        services[1].owe("tele", "7", "one").await;
        let (one, _) = line.delivery().await;
        line.push(round, &format!("x{round}"), &format!("event {round}")).await;
        assert_eq!(line.outcome().await.code(), OutcomeCode::Accepted);
        expected.push(format!("event {round}"));

        let here = usize::try_from(round).unwrap() % 2;
        let moved = attach(&services[here], &token, Hello { holding: vec![one.id], ..hello("tele", "a") });
        let left = async { line.end().await.unwrap_err().code() };
        let (moved, left) = tokio::join!(moved, left);
        assert_eq!((left, moved.welcome.resume_after), (Code::Aborted, round));
        line = moved;
        line.push(round, &format!("x{round}"), &format!("event {round}")).await;
        assert_eq!(line.outcome().await.code(), OutcomeCode::Duplicate);
        line.report(&one, DeliveryState::Sent, "m").await;
        assert_eq!(line.recorded().await.delivery_id, one.id);
        expected.push("7 part 0 sent as m, last: true".to_owned());
    }
    line.is_quiet().await;
    assert_eq!(services[0].slate().await, expected);
}

#[tokio::test]
async fn two_instances_at_two_processes_do_not_drive_each_other_out_for_ever() {
    let Some([one, other]) = hearing().await else { return };
    let token = one.add("tele").await;
    let mut older = attach(&one, &token, hello("tele", "a")).await;
    let told = async {
        assert!(matches!(older.next().await, Ok(Some(attach_response::Message::Drain(_)))));
        assert_eq!(older.end().await.unwrap_err().code(), Code::Aborted);
    };
    let (newer, ()) = tokio::join!(attach(&other, &token, hello("tele", "b")), told);
    assert_eq!(refusal(&one, &token, "a").await, Code::Aborted);
    assert_eq!(refusal(&other, &token, "a").await, Code::Aborted);
    assert!(other.status("tele").await.attached);
    // Nobody keeps the older out once the newer has gone.
    drop(newer);
    let gone = async {
        while one.status("tele").await.attached {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(5), gone).await.expect("it is seen to go");
    attach(&one, &token, hello("tele", "a")).await;
}

#[tokio::test]
async fn a_plugin_of_a_process_that_died_is_let_in_elsewhere_within_ten_seconds() {
    let Some([one, other]) = deaf().await else { return };
    let id = one.owe("tele", "7", "hi").await;
    let mut doomed = Doomed::host(one, "tele", "a").await;
    let (delivery, _) = doomed.line.delivery().await;
    doomed.die();
    let token = other.add("tele").await;
    let begun = Instant::now();
    let mut line = attach(&other, &token, hello("tele", "b")).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let (again, _) = line.delivery().await;
    assert_eq!((delivery.id, again.id, again.uncertain), (id, id, true));
}

#[tokio::test]
async fn a_process_that_was_paused_hands_out_nothing_more_when_its_plugin_has_moved() {
    let Some([one, other]) = deaf().await else { return };
    let mut doomed = Doomed::host(one, "tele", "a").await;
    doomed.pause(Duration::from_secs(9));
    let token = other.add("tele").await;
    let mut line = attach(&other, &token, hello("tele", "a")).await;
    let id = other.owe("tele", "7", "hi").await;
    let (delivery, _) = line.delivery().await;
    assert_eq!((delivery.id, delivery.uncertain), (id, false));
    // It wakes, and finds that the plugin is not its own any more; no delivery comes before that.
    let ended = async {
        loop {
            match doomed.line.responses().await {
                Ok(Some(attach_response::Message::Delivery(delivery))) => panic!("handed out: {delivery:?}"),
                Ok(Some(_)) => {}
                Ok(None) => panic!("it is told why"),
                Err(status) => return status.code(),
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(15), ended).await.expect("it ends"), Code::Unavailable);
    line.report(&delivery, DeliveryState::Sent, "m").await;
    line.recorded().await;
    assert!(other.status("tele").await.attached);
    doomed.die();
}

#[tokio::test]
async fn a_plugin_is_listed_and_removed_by_any_process() {
    let Some([one, other]) = hearing().await else { return };
    let token = one.add("tele").await;
    let line = attach(&one, &token, hello("tele", "a")).await;
    // Credits come with the next renewal.
    let listed = async {
        loop {
            let tele = other.status("tele").await;
            if tele.delivery_credit == 10 {
                return tele;
            }
            assert!(tele.attached && tele.instance == "a");
            sleep(Duration::from_millis(10)).await;
        }
    };
    let tele = timeout(Duration::from_secs(10), listed).await.expect("credits are told");
    assert_eq!((tele.event_credit, tele.event_lag_ms, tele.version.as_str()), (1_024, None, "1.2.3"));

    other.operators().remove_plugin(RemovePluginRequest { name: "tele".into() }).await.unwrap();
    assert_eq!(line.end().await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn typing_reaches_a_plugin_of_another_process() {
    let Some(server) = stand_in::Redis::start() else { return };
    let (here, there) = Process::two(&server.url()).await;
    let Some([one, other]) = Service::two([here.bus.clone(), there.bus.clone()]).await else { return };
    let token = one.add("tele").await;
    let can = Capabilities { can_show_typing: true, ..Capabilities::default() };
    let mut line = attach(&one, &token, Hello { capabilities: Some(can), ..hello("tele", "a") }).await;
    let typing = Typing { account: "shop".into(), customer_id: "c".into(), is_typing: true };
    let shown = async {
        loop {
            other.host.show_typing("tele", typing.clone());
            if let Ok(said) = timeout(Duration::from_millis(50), line.next()).await {
                return said;
            }
        }
    };
    let shown = timeout(Duration::from_secs(5), shown).await.expect("it is shown within 5 s").unwrap();
    assert_eq!(shown, Some(attach_response::Message::Typing(typing)));
}
