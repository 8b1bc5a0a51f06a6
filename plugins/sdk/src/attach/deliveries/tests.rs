use super::*;

fn delivery(id: u64, partition: &str) -> Delivery {
    Delivery { id, partition: partition.to_owned(), ..Delivery::default() }
}

fn report(id: u64) -> DeliveryReport {
    DeliveryReport { delivery_id: id, ..DeliveryReport::default() }
}

fn attached() -> Deliveries {
    let mut deliveries = Deliveries::default();
    deliveries.welcome();
    assert_eq!(deliveries.grant(), Some(WINDOW));
    deliveries
}

fn started(arrival: Arrival) -> Option<u64> {
    match arrival {
        Arrival::Start(delivery) => Some(delivery.id),
        Arrival::Known | Arrival::TooMany => None,
    }
}

#[test]
fn each_report_asks_for_one_more_delivery() {
    let mut deliveries = attached();
    assert_eq!(started(deliveries.arrives(delivery(1, "a"))), Some(1));
    assert_eq!(deliveries.grant(), None);
    assert_eq!(deliveries.ends(report(1)), None);
    assert_eq!(deliveries.next_report(), Some(report(1)));
    assert_eq!(deliveries.grant(), Some(1));
    assert_eq!(deliveries.grant(), None);
}

#[test]
fn what_is_in_hand_counts_on_the_next_stream_too() {
    let mut deliveries = attached();
    for id in 0..4 {
        deliveries.arrives(delivery(id, &id.to_string()));
    }
    deliveries.welcome();
    assert_eq!(deliveries.grant(), Some(WINDOW - 4));
    assert_eq!(deliveries.holding(), [0, 1, 2, 3]);
}

#[test]
fn a_report_is_repeated_until_it_is_recorded() {
    let mut deliveries = attached();
    deliveries.arrives(delivery(1, "a"));
    deliveries.ends(report(1));
    assert_eq!(deliveries.next_report(), Some(report(1)));
    assert_eq!(deliveries.next_report(), None);
    assert_eq!(deliveries.holding(), [1]);

    deliveries.welcome();
    assert_eq!(deliveries.next_report(), Some(report(1)));
    assert!(!deliveries.is_idle());
    deliveries.recorded((1, 0));
    assert!(deliveries.is_idle() && deliveries.holding().is_empty());
    deliveries.welcome();
    assert_eq!(deliveries.next_report(), None);
}

#[test]
fn a_delivery_that_comes_twice_is_carried_out_once() {
    let mut deliveries = attached();
    deliveries.arrives(delivery(1, "a"));
    assert_eq!(deliveries.arrives(delivery(1, "a")), Arrival::Known);
    assert_eq!(deliveries.grant(), Some(1), "the second cost a credit and nothing else");
    deliveries.ends(report(1));
    deliveries.next_report();
    assert_eq!(deliveries.arrives(delivery(1, "a")), Arrival::Known);
    assert_eq!(deliveries.next_report(), Some(report(1)));
    deliveries.recorded((1, 0));
    assert_eq!(started(deliveries.arrives(delivery(1, "a"))), Some(1), "it is another attempt");
}

#[test]
fn a_partition_has_one_delivery_in_hand_and_others_go_beside_it() {
    let mut deliveries = attached();
    assert_eq!(started(deliveries.arrives(delivery(1, "a"))), Some(1));
    assert_eq!(started(deliveries.arrives(delivery(2, "a"))), None);
    assert_eq!(started(deliveries.arrives(delivery(3, "b"))), Some(3));
    assert_eq!(started(deliveries.arrives(delivery(4, "a"))), None);
    assert_eq!(deliveries.holding(), [1, 2, 3, 4]);
    assert_eq!(deliveries.ends(report(3)), None);
    assert_eq!(deliveries.ends(report(1)).unwrap().id, 2);
    assert_eq!(deliveries.ends(report(2)).unwrap().id, 4);
}

#[test]
fn a_host_does_not_send_more_than_it_was_granted() {
    let mut deliveries = attached();
    for id in 0..u64::from(WINDOW) {
        assert!(started(deliveries.arrives(delivery(id, &id.to_string()))).is_some());
    }
    assert_eq!(deliveries.arrives(delivery(99, "z")), Arrival::TooMany);
}

#[test]
fn a_host_that_records_nothing_is_asked_for_nothing() {
    let mut deliveries = attached();
    for id in 0..MAX_REPORTS as u64 {
        assert!(started(deliveries.arrives(delivery(id, "a"))).is_some());
        deliveries.ends(report(id));
        deliveries.grant();
    }
    deliveries.granted = 0;
    assert_eq!(deliveries.grant(), None);
    deliveries.recorded((0, 0));
    assert_eq!(deliveries.grant(), Some(WINDOW));
}
