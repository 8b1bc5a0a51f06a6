//! The limits of one bridge, and in `together` of several.

mod together;

use super::*;

const CAPS: Caps = Caps { connections: 3, connections_per_user: 2, frames_per_second: 20, burst: 40 };

#[tokio::test(start_paused = true)]
async fn a_burst_is_taken_and_then_the_user_hears_how_long_to_wait() {
    let seat = Limits::new(CAPS).enter("alice").unwrap();
    for _ in 0..40 {
        assert_eq!(seat.frame(), Ok(()));
    }
    let wait = seat.frame().unwrap_err();
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(50), "{wait:?}");
    tokio::time::advance(wait).await;
    assert_eq!(seat.frame(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn chatter_has_ten_times_as_much_and_does_not_count_as_frames() {
    let seat = Limits::new(CAPS).enter("alice").unwrap();
    assert_eq!((0..1_000).filter(|_| seat.chatter()).count(), 400);
    assert_eq!(seat.frame(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_sockets_of_a_user_share_one_bucket_and_coming_back_does_not_fill_it() {
    let limits = Limits::new(CAPS);
    let (one, two, other) =
        (limits.enter("a").unwrap(), limits.enter("a").unwrap(), limits.enter("b").unwrap());
    while one.frame().is_ok() {}
    assert!(two.frame().is_err());
    assert!(other.frame().is_ok());
    drop((one, two));
    assert!(limits.enter("a").unwrap().frame().is_err());
}

#[tokio::test(start_paused = true)]
async fn sockets_are_capped_for_one_user_and_for_all() {
    let limits = Limits::new(CAPS);
    let first = limits.enter("a").unwrap();
    let _second = limits.enter("a").unwrap();
    assert_eq!(limits.enter("a").unwrap_err(), Refusal::Overloaded);
    let _third = limits.enter("b").unwrap();
    assert_eq!(limits.enter("c").unwrap_err(), Refusal::Overloaded);
    drop(first);
    assert!(limits.enter("a").is_ok());
    assert_eq!(limits.open().connections, 2);
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_no_limit() {
    let seat = Limits::new(Caps { frames_per_second: 0, ..CAPS }).enter("a").unwrap();
    assert!((0..10_000).all(|_| seat.frame().is_ok() && seat.chatter()));
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_changes_for_seats_that_are_taken_too() {
    let limits = Limits::new(CAPS);
    let seat = limits.enter("a").unwrap();
    while seat.frame().is_ok() {}
    limits.set(Caps { frames_per_second: 1, burst: 3, connections_per_user: 1, ..CAPS });
    assert_eq!((0..10).filter(|_| seat.frame().is_ok()).count(), 3);
    assert_eq!(limits.enter("a").unwrap_err(), Refusal::Overloaded);
    limits.set(Caps { frames_per_second: 0, ..CAPS });
    assert!((0..1_000).all(|_| seat.frame().is_ok()));
    limits.set(CAPS);
    assert_eq!((0..1_000).filter(|_| seat.frame().is_ok()).count(), 40);
    assert!(limits.enter("a").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_something_else_does_not_fill_the_buckets() {
    let limits = Limits::new(CAPS);
    let seat = limits.enter("a").unwrap();
    while seat.frame().is_ok() {}
    limits.set(Caps { connections: 9, ..CAPS });
    assert!(seat.frame().is_err());
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_for_long_is_forgotten() {
    let limits = Limits::new(CAPS);
    let _stays = limits.enter("stays").unwrap();
    for number in 0..10 * FIRST_SWEEP {
        limits.enter(&number.to_string()).unwrap();
        if number % 100 == 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
    let open = limits.open();
    assert!(open.accounts.len() <= FIRST_SWEEP, "{}", open.accounts.len());
    assert!(open.accounts.contains_key("stays"));
}
