//! What operators see and do.

use causeway_proto::plugin::{
    AccountReport, AccountState, AddPluginRequest, ListSetAsideRequest, PluginKind, attach_request,
};
use tonic::Code;

use super::stage::{Line, Service};

#[tokio::test]
async fn a_plugin_is_listed_as_it_stands() {
    let service = Service::start().await;
    service.add("quiet").await;
    let mut line = Line::open(&service, "tele", "a").await;
    let report = AccountReport {
        account: "shop".into(),
        state: AccountState::BadCredentials.into(),
        advice: "give a new token".into(),
    };
    line.say(attach_request::Message::Account(report)).await;
    line.push(1, "x", "hello").await;
    line.outcome().await;
    service.owe("tele", "7", "hi").await;
    line.delivery().await;

    let tele = service.status("tele").await;
    assert!(tele.attached);
    assert_eq!((tele.version.as_str(), tele.instance.as_str()), ("1.2.3", "a"));
    assert_eq!((tele.delivery_credit, tele.deliveries_waiting, tele.deliveries_dead), (9, 1, 0));
    assert_eq!(tele.accounts[0].state(), AccountState::BadCredentials);
    assert_eq!(tele.accounts[0].advice, "give a new token");
    let quiet = service.status("quiet").await;
    assert!(!quiet.attached && quiet.since.is_none());

    line.say(attach_request::Message::Hello(Default::default())).await;
    assert_eq!(line.end().await.unwrap_err().code(), Code::InvalidArgument);
    let gone = async {
        while service.status("tele").await.attached {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("it is seen to go");
    assert_eq!(service.status("tele").await.accounts[0].state(), AccountState::Unspecified);
}

#[tokio::test]
async fn a_name_belongs_to_one_kind_and_to_hosts_of_it() {
    let service = Service::start().await;
    service.add("tele").await;
    let add = |name: &str, kind: PluginKind| {
        let request = AddPluginRequest { name: name.into(), kind: kind.into(), token: String::new() };
        let mut operators = service.operators();
        async move { operators.add_plugin(request).await.map_err(|status| status.code()).map(drop) }
    };
    assert_eq!(add("tele", PluginKind::Channel).await, Ok(()), "a second credential");
    assert_eq!(add("news", PluginKind::NoticeSource).await, Err(Code::FailedPrecondition));
    assert_eq!(add("No Name", PluginKind::Channel).await, Err(Code::InvalidArgument));
}

#[tokio::test]
async fn what_was_kept_can_be_looked_at() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    for _ in 0..2 {
        line.push(1, "x1", "wrong").await;
        line.outcome().await;
    }
    let request = ListSetAsideRequest { plugin: "tele".into(), limit: 0 };
    let events = service.operators().list_set_aside(request).await.unwrap().into_inner().events;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].provider_id.as_str(), events[0].reason.as_str()), ("x1", "text: is wrong"));
    assert!(!events[0].payload.is_empty());
}
