//! Who may attach, and who takes whose place.

use causeway_proto::plugin::{
    Delivery, DeliveryState, Hello, PluginKind, RemovePluginRequest, attach_response,
};
use tonic::Code;

use super::stage::{Line, Service, hello};

async fn refusal(service: &Service, token: &str, hello: Hello) -> Code {
    Line::attach(service.grpc(token), hello).await.map(|_| ()).unwrap_err().code()
}

#[tokio::test]
async fn a_plugin_attaches_with_its_own_credential_only() {
    let service = Service::start().await;
    let token = service.add("tele").await;
    let other = service.add("other").await;
    assert_eq!(refusal(&service, "the-service-token", hello("tele", "a")).await, Code::Unauthenticated);
    assert_eq!(refusal(&service, "guess", hello("tele", "a")).await, Code::Unauthenticated);
    assert_eq!(refusal(&service, &other, hello("tele", "a")).await, Code::PermissionDenied);
    let wrong_kind = Hello { kind: PluginKind::Agent.into(), ..hello("tele", "a") };
    assert_eq!(refusal(&service, &token, wrong_kind).await, Code::PermissionDenied);
    let newer = Hello { protocol: 2, ..hello("tele", "a") };
    assert_eq!(refusal(&service, &token, newer).await, Code::FailedPrecondition);
    assert_eq!(refusal(&service, &token, hello("tele", "")).await, Code::InvalidArgument);
    assert!(Line::attach(service.grpc(&token), hello("tele", "a")).await.is_ok());
}

#[tokio::test]
async fn a_plugins_credential_opens_nothing_else() {
    let service = Service::start().await;
    let token = service.add("tele").await;
    let mut operators = causeway_proto::plugin::plugins_client::PluginsClient::new(service.grpc(&token));
    let refused = operators.list_plugins(causeway_proto::plugin::ListPluginsRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_newer_instance_takes_the_place_and_keeps_it() {
    let service = Service::start().await;
    let mut older = Line::open(&service, "tele", "a").await;
    let token = service.add("tele").await;
    let newer = Line::attach(service.grpc(&token), hello("tele", "b"));
    let told = async {
        assert!(matches!(older.next().await, Ok(Some(attach_response::Message::Drain(_)))));
        assert_eq!(older.end().await.unwrap_err().code(), Code::Aborted);
    };
    let (newer, ()) = tokio::join!(newer, told);
    let _newer = newer.unwrap();
    assert_eq!(refusal(&service, &token, hello("tele", "a")).await, Code::Aborted);
}

#[tokio::test]
async fn an_instance_that_reads_nothing_does_not_keep_the_place() {
    let service = Service::start().await;
    let mut deaf = Line::open(&service, "tele", "a").await;
    for sequence in 1..=1_000 {
        deaf.push(sequence, &sequence.to_string(), "hello").await;
    }
    for _ in 0..3_000 {
        deaf.report(&Delivery::default(), DeliveryState::Sent, "").await;
    }
    let token = service.add("tele").await;
    let newer = Line::attach(service.grpc(&token), hello("tele", "b"));
    let newer = tokio::time::timeout(std::time::Duration::from_secs(5), newer).await;
    assert!(newer.expect("it does not wait for what nobody reads").is_ok());
}

#[tokio::test]
async fn a_plugin_that_is_removed_goes_and_does_not_come_back() {
    let service = Service::start().await;
    let token = service.add("tele").await;
    let line = Line::attach(service.grpc(&token), hello("tele", "a")).await.unwrap();
    service.operators().remove_plugin(RemovePluginRequest { name: "tele".into() }).await.unwrap();
    assert_eq!(line.end().await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(refusal(&service, &token, hello("tele", "a")).await, Code::Unauthenticated);
    let again = service.operators().remove_plugin(RemovePluginRequest { name: "tele".into() }).await;
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_host_that_stops_says_so_first() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    let stopping = service.stop();
    let told = async {
        assert!(matches!(line.next().await, Ok(Some(attach_response::Message::Drain(_)))));
        assert_eq!(line.end().await.unwrap_err().code(), Code::Unavailable);
    };
    tokio::join!(stopping, told);
}
