//! Two bridges and the limits that they keep together.

use std::{sync::Arc, time::Duration};

use causeway_link::redis::{Redis, Settings};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::super::{Caps, Limits, Seat, SharedLimits, Together, shared::Times};
use crate::fault::Refusal;

#[path = "../../../../tests/stand_ins/redis.rs"]
mod server;

const CAPS: Caps = Caps { connections: 100, connections_per_user: 2, frames_per_second: 20, burst: 5 };
const TIMES: Times =
    Times { alive_every: Duration::from_millis(200), dead_after: Duration::from_millis(1_200) };
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A bridge as far as limits go.
struct Bridge {
    limits: Arc<Limits>,
    task: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

impl Bridge {
    async fn start(url: &str) -> Self {
        let redis = Redis::connect(Settings::new(url.parse().unwrap())).await.unwrap();
        let limits = Limits::new(CAPS);
        let at = SharedLimits { redis, prefix: "causeway".into() };
        let stop = CancellationToken::new();
        let task = tokio::spawn(Together::at_times(at, limits.clone(), TIMES).run(stop.clone()));
        Self { limits, task, stop }
    }

    /// A socket of the user, as soon as there is room for one.
    async fn comes_in(&self, user: &str) -> Seat {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.limits.admit(user).await {
                Ok(seat) => return seat,
                Err(refusal) => assert!(Instant::now() < until, "{refusal:?}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until no more sockets of the user are taken.
    async fn is_full_for(&self, user: &str) {
        let until = Instant::now() + PATIENCE;
        while self.limits.admit(user).await.is_ok() {
            assert!(Instant::now() < until, "there is room");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn two(server: &server::Redis) -> (Bridge, Bridge) {
    (Bridge::start(&server.url()).await, Bridge::start(&server.url()).await)
}

#[tokio::test]
async fn the_sockets_of_a_user_are_counted_over_all_bridges() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two) = two(&server).await;
    let first = one.limits.admit("alice").await.unwrap();
    let second = two.limits.admit("alice").await.unwrap();
    assert_eq!(one.limits.admit("alice").await.unwrap_err(), Refusal::Overloaded);
    assert_eq!(two.limits.admit("alice").await.unwrap_err(), Refusal::Overloaded);
    assert!(two.limits.admit("bob").await.is_ok());
    drop(first);
    let _third = two.comes_in("alice").await;
    one.is_full_for("alice").await;
    drop(second);
    let _fourth = one.comes_in("alice").await;
}

#[tokio::test]
async fn of_many_who_come_at_once_to_two_bridges_as_many_are_taken_as_may() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two) = two(&server).await;
    for round in 0..20 {
        let user = format!("user-{round}");
        let (a, b, c, d) = tokio::join!(
            one.limits.admit(&user),
            two.limits.admit(&user),
            one.limits.admit(&user),
            two.limits.admit(&user)
        );
        let taken = [a, b, c, d].iter().filter(|seat| seat.is_ok()).count();
        assert!(taken <= 2, "round {round}: {taken}");
    }
}

#[tokio::test]
async fn the_sockets_of_a_dead_bridge_count_no_more_after_a_while() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two) = two(&server).await;
    let _seats = [one.limits.admit("alice").await.unwrap(), one.limits.admit("alice").await.unwrap()];
    assert_eq!(two.limits.admit("alice").await.unwrap_err(), Refusal::Overloaded);
    one.task.abort();
    let _third = two.comes_in("alice").await;
    // One that says that it goes is not waited for.
    let three = Bridge::start(&server.url()).await;
    let _seats = [three.limits.admit("carol").await.unwrap(), three.limits.admit("carol").await.unwrap()];
    two.is_full_for("carol").await;
    three.stop.cancel();
    three.task.await.unwrap();
    let _seats = [two.comes_in("carol").await, two.comes_in("carol").await];
}

#[tokio::test]
async fn without_redis_each_bridge_keeps_to_its_own_limits_and_later_to_those_of_all_again() {
    let Some(mut server) = server::Redis::start() else { return };
    let (one, two) = two(&server).await;
    let _first = one.limits.admit("alice").await.unwrap();
    server.kill();
    let begun = Instant::now();
    let second = one.limits.admit("alice").await.unwrap();
    let third = two.limits.admit("alice").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(one.limits.admit("alice").await.is_err(), "that is over the cap of the bridge");
    assert_eq!((second.frame(), third.frame()), (Ok(()), Ok(())));
    server.resume();
    two.is_full_for("alice").await;
    drop(second);
    one.is_full_for("alice").await;
    server.flush();
    // Until each has written what it has, there seems to be room.
    two.is_full_for("alice").await;
}

#[tokio::test]
async fn frames_over_all_bridges_are_bounded_and_who_keeps_to_the_limit_is_never_stopped() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two) = two(&server).await;
    let (here, there) = (one.limits.admit("alice").await.unwrap(), two.limits.admit("alice").await.unwrap());
    let honest = one.limits.admit("bob").await.unwrap();
    // What a bridge gives that knows of no other, on a machine that is as busy.
    let alone = Limits::new(CAPS);
    let alone = alone.admit("alice").await.unwrap();
    let begun = Instant::now();
    let commands = server.info("total_commands_processed");
    let (mut taken, mut of_bob, mut given) = (0_u32, 0_u32, 0_u32);
    while begun.elapsed() < Duration::from_secs(8) {
        for seat in [&here, &there] {
            taken += u32::from(seat.frame().is_ok());
        }
        of_bob += u32::from(honest.frame().is_ok());
        given += u32::from(alone.frame().is_ok());
        sleep(Duration::from_millis(2)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (rate, burst) = (20.0, 5.0);
    let alone = f64::from(given);
    assert!(f64::from(taken) <= rate * (seconds + 4.0) + burst * 3.0, "{taken} in {seconds} s");
    assert!(f64::from(taken) >= alone * 0.9, "{taken} in {seconds} s");
    assert!(f64::from(of_bob) >= alone * 0.9, "{of_bob} in {seconds} s");
    // Two scripts a second for two users at most, each bridge's own, and asking itself: nothing for a frame.
    let commands = server.info("total_commands_processed") - commands;
    assert!(commands < 600, "{commands}");
}
