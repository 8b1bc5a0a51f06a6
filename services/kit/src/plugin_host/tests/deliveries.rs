//! Deliveries: in order, one at a time for each conversation, and not lost.

use causeway_proto::plugin::{
    Credit, DeliveryReport, DeliveryState, Hello, ListOutboxRequest, OutboxState, ReplayOutboxRequest,
    attach_request,
};

use super::stage::{Line, Service, hello};

#[tokio::test]
async fn a_delivery_goes_out_and_its_report_is_recorded_once() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    let id = service.owe("tele", "7", "hi").await;
    let (delivery, text) = line.delivery().await;
    assert_eq!((delivery.id, text.as_str(), delivery.partition.as_str()), (id, "hi", "7"));
    line.report(&delivery, DeliveryState::Sent, "m1").await;
    assert_eq!(line.recorded().await.delivery_id, id);
    line.report(&delivery, DeliveryState::Sent, "m1").await;
    assert_eq!(
        line.recorded().await.delivery_id,
        id,
        "a repeated report is recorded again and changes nothing"
    );
    assert_eq!(service.slate().await, ["7 part 0 sent as m1, last: true"]);
    line.report(&delivery, DeliveryState::Read, "").await;
    line.recorded().await;
    service.reads("tele DELIVERY_STATE_READ").await;
}

#[tokio::test]
async fn a_conversation_keeps_its_order_and_others_do_not_wait() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    service.owe("tele", "7", "one|two").await;
    service.owe("tele", "7", "three").await;
    service.owe("tele", "8", "other").await;
    let (one, text) = line.delivery().await;
    assert_eq!(text, "one");
    assert_eq!(line.delivery().await.1, "other");
    line.is_quiet().await;
    line.report(&one, DeliveryState::Sent, "m1").await;
    line.recorded().await;
    let (two, text) = line.delivery().await;
    assert_eq!((two.id, two.part, text.as_str()), (one.id, 1, "two"));
    line.report(&two, DeliveryState::Sent, "m2").await;
    line.recorded().await;
    assert_eq!(line.delivery().await.1, "three");
}

#[tokio::test]
async fn no_more_is_handed_out_than_there_is_credit_for() {
    let service = Service::start().await;
    let token = service.add("tele").await;
    let mut line = Line::attach(service.grpc(&token), hello("tele", "a")).await.unwrap();
    for key in ["1", "2", "3"] {
        service.owe("tele", key, "hi").await;
    }
    line.is_quiet().await;
    line.say(attach_request::Message::Credit(Credit { amount: 2 })).await;
    line.delivery().await;
    line.delivery().await;
    line.is_quiet().await;
}

#[tokio::test]
async fn what_failed_is_tried_again_and_in_the_end_given_up_and_replayed() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    let id = service.owe("tele", "7", "hi").await;
    for attempt in 0..3 {
        let (delivery, _) = line.delivery().await;
        assert_eq!((delivery.id, delivery.attempts, delivery.uncertain), (id, attempt, false));
        line.report(&delivery, DeliveryState::Failed, "").await;
        line.recorded().await;
    }
    service.reads("7 given up, failed: ").await;
    let mut operators = service.operators();
    let dead = ListOutboxRequest { state: OutboxState::Dead.into(), ..ListOutboxRequest::default() };
    let items = operators.list_outbox(dead).await.unwrap().into_inner().items;
    assert_eq!((items.len(), items[0].id, items[0].kind.as_str()), (1, id, "plugin/tele"));

    let replayed = operators.replay_outbox(ReplayOutboxRequest { ids: vec![id], ..Default::default() }).await;
    assert_eq!(replayed.unwrap().into_inner().count, 1);
    service.reads("7 replayed").await;
    assert_eq!(line.delivery().await.0.attempts, 0);
}

#[tokio::test]
async fn what_can_never_arrive_is_given_up_at_once_and_the_next_goes_out() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    for text in ["impossible", "gone", "blocked", "fine"] {
        service.owe("tele", "7", text).await;
    }
    let (blocked, text) = line.delivery().await;
    assert_eq!(text, "blocked");
    assert_eq!(service.slate().await, ["7 given up, too_odd: cannot be sent"]);
    let report = DeliveryReport {
        delivery_id: blocked.id,
        state: DeliveryState::Failed.into(),
        permanent: true,
        code: "blocked".into(),
        text: "the customer blocked us".into(),
        ..DeliveryReport::default()
    };
    line.say(attach_request::Message::Report(report)).await;
    line.recorded().await;
    assert_eq!(line.delivery().await.1, "fine");
    service.reads("7 given up, blocked: the customer blocked us").await;
    assert_eq!(service.status("tele").await.last_error, "blocked: the customer blocked us");
}

#[tokio::test]
async fn a_rate_limit_of_the_account_holds_everything_of_it_and_counts_as_no_attempt() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    service.owe("tele", "7", "hi").await;
    let (delivery, _) = line.delivery().await;
    let report = DeliveryReport {
        delivery_id: delivery.id,
        state: DeliveryState::Failed.into(),
        code: "429".into(),
        retry_after_ms: 300,
        pause_account: true,
        ..DeliveryReport::default()
    };
    line.say(attach_request::Message::Report(report)).await;
    line.recorded().await;
    service.owe("tele", "8", "other").await;
    line.is_quiet().await;
    let (first, second) = (line.delivery().await.0, line.delivery().await.0);
    let attempts: Vec<u32> = [&first, &second].iter().map(|delivery| delivery.attempts).collect();
    assert_eq!(attempts, [0, 0]);
    assert_ne!(first.partition, second.partition);
}

#[tokio::test]
async fn a_lost_plugin_leaves_doubt_and_a_lost_connection_does_not() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    let held = service.owe("tele", "7", "held").await;
    let missed = service.owe("tele", "8", "missed").await;
    line.delivery().await;
    line.delivery().await;
    drop(line);

    // The same instance comes back with one of them.
    let mut line = Line::holding(&service, "tele", "a", vec![held]).await;
    let (again, _) = line.delivery().await;
    assert_eq!((again.id, again.uncertain), (missed, false));
    line.is_quiet().await;
    drop(line);

    // Another instance knows of neither.
    let mut line = Line::open(&service, "tele", "b").await;
    let mut again = [line.delivery().await.0, line.delivery().await.0];
    again.sort_by_key(|delivery| delivery.id);
    assert!(again.iter().all(|delivery| delivery.uncertain && delivery.attempts == 1));
    line.report(&again[0], DeliveryState::Sent, "m1").await;
    line.recorded().await;
    service.reads("7 part 0 sent as m1, last: true uncertain").await;
}

#[tokio::test]
async fn a_report_that_crosses_a_restart_of_the_service_is_recorded() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    let id = service.owe("tele", "7", "hi").await;
    let (delivery, _) = line.delivery().await;
    let service = service.restart().await;
    let token = service.add("tele").await;
    let hello = Hello { holding: vec![id], ..hello("tele", "a") };
    let mut line = Line::attach(service.grpc(&token), hello).await.unwrap();
    line.report(&delivery, DeliveryState::Sent, "m1").await;
    line.recorded().await;
    assert_eq!(service.slate().await, ["7 part 0 sent as m1, last: true"]);
}

#[tokio::test]
async fn a_report_about_a_delivery_that_is_gone_means_no_other() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "tele", "a").await;
    service.owe("tele", "7", "first").await;
    let (first, _) = line.delivery().await;
    line.report(&first, DeliveryState::Sent, "m1").await;
    line.recorded().await;
    service.owe("tele", "7", "second").await;
    let (second, _) = line.delivery().await;
    assert_ne!(first.id, second.id);
    line.report(&first, DeliveryState::Sent, "m1").await;
    line.recorded().await;
    assert_eq!(service.slate().await, ["7 part 0 sent as m1, last: true"]);
}
