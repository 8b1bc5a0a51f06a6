//! The circuit breaker of a service: when nearly all calls fail, it answers by itself for a while, so that callers hear at once
//! and the service is left alone; then it lets a few calls through to see.
//!
//! Time is an argument; [`Guarded`] is the layer that asks it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{metrics::ServiceMetrics, settings::Settings};

mod guarded;

pub(crate) use guarded::Guarded;

/// The share of failures, in percent, from which nearly all calls fail.
const NEARLY_ALL: u64 = 90;
/// Calls that are let through to see whether the service is back, and must all be answered.
const PROBES: u32 = 3;

/// Shared by all clients of a service.
#[derive(Debug)]
pub(crate) struct Breaker {
    service: &'static str,
    rules: Settings,
    state: Mutex<State>,
    metrics: ServiceMetrics,
}

#[derive(Debug)]
enum State {
    Closed { past: Tally, present: Tally, since: Instant },
    Open { until: Instant },
    HalfOpen { sent: u32, answered: u32, since: Instant },
}

/// Calls and failures in one half of the window.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    calls: u64,
    failures: u64,
}

impl State {
    fn closed(now: Instant) -> Self {
        Self::Closed { past: Tally::default(), present: Tally::default(), since: now }
    }
}

impl Breaker {
    pub(crate) fn new(service: &'static str, rules: Settings, metrics: ServiceMetrics) -> Self {
        metrics.breaker_is(0);
        Self { service, rules, state: Mutex::new(State::closed(Instant::now())), metrics }
    }

    /// Whether a call may go on. If not: how long it is until that is tried again.
    fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.lock();
        match &mut *state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if now < *until => Err(*until - now),
            State::Open { .. } => {
                *state = State::HalfOpen { sent: 1, answered: 0, since: now };
                self.metrics.breaker_is(1);
                Ok(())
            }
            State::HalfOpen { sent, .. } if *sent < PROBES => {
                *sent += 1;
                Ok(())
            }
            // Those that were let through may never have come back: their callers may have given up.
            State::HalfOpen { sent, answered, since } => {
                let over = *since + self.rules.breaker_pause;
                if now < over {
                    return Err(over - now);
                }
                (*sent, *answered, *since) = (1, 0, now);
                Ok(())
            }
        }
    }

    /// What became of a call that was admitted.
    fn note(&self, failed: bool, now: Instant) {
        let mut state = self.lock();
        match &mut *state {
            State::Closed { past, present, since } => {
                roll(past, present, since, self.rules.breaker_window / 2, now);
                present.calls += 1;
                present.failures += u64::from(failed);
                let (calls, failures) = (past.calls + present.calls, past.failures + present.failures);
                if calls >= u64::from(self.rules.breaker_calls) && failures * 100 >= calls * NEARLY_ALL {
                    tracing::warn!(
                        service = self.service,
                        calls,
                        failures,
                        "nearly all calls fail; callers are refused until some are answered"
                    );
                    self.metrics.breaker_opened();
                    self.open(&mut state, now);
                }
            }
            // Of a call that was made before it opened.
            State::Open { .. } => {}
            State::HalfOpen { .. } if failed => self.open(&mut state, now),
            State::HalfOpen { answered, .. } => {
                *answered += 1;
                if *answered >= PROBES {
                    tracing::info!(service = self.service, "calls are answered again");
                    *state = State::closed(now);
                    self.metrics.breaker_is(0);
                }
            }
        }
    }

    fn open(&self, state: &mut State, now: Instant) {
        let pause = self.rules.breaker_pause.mul_f64(rand::random_range(0.8..1.0));
        *state = State::Open { until: now + pause };
        self.metrics.breaker_is(2);
    }

    fn refusal(&self, wait: Duration) -> Status {
        self.metrics.breaker_refused();
        let message =
            format!("{} does not answer; it is tried again in {} ms", self.service, wait.as_millis());
        let details = ErrorDetails::with_retry_info(Some(wait));
        Status::with_error_details(Code::Unavailable, message, details)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is older than the window.
fn roll(past: &mut Tally, present: &mut Tally, since: &mut Instant, half: Duration, now: Instant) {
    let age = now.saturating_duration_since(*since);
    if age < half {
        return;
    }
    *past = if age < half * 2 { *present } else { Tally::default() };
    *present = Tally::default();
    *since = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let rules = Settings { breaker_calls: 10, ..Settings::default() };
        Breaker::new("chat", rules, ServiceMetrics::unseen("chat"))
    }

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            if breaker.admit(Instant::now()).is_ok() {
                breaker.note(true, Instant::now());
            }
        }
    }

    fn is_open(breaker: &Breaker) -> bool {
        matches!(*breaker.lock(), State::Open { .. })
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_nearly_all_fail_and_says_when_to_come_back() {
        let breaker = breaker();
        fail(&breaker, 9);
        assert!(!is_open(&breaker));
        fail(&breaker, 1);
        let wait = breaker.admit(Instant::now()).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        let refusal = breaker.refusal(wait);
        assert_eq!(refusal.code(), Code::Unavailable);
        assert_eq!(refusal.get_details_retry_info().unwrap().retry_delay, Some(wait));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_closed_while_some_are_answered() {
        let breaker = breaker();
        for _ in 0..100 {
            breaker.note(false, Instant::now());
            fail(&breaker, 4);
        }
        assert!(!is_open(&breaker));
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_calls_find_out_whether_the_service_is_back() {
        let breaker = breaker();
        fail(&breaker, 10);
        tokio::time::advance(Duration::from_secs(1)).await;
        fail(&breaker, 1);
        assert!(is_open(&breaker), "the first of them failed");
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..PROBES {
            breaker.admit(Instant::now()).unwrap();
        }
        assert!(breaker.admit(Instant::now()).is_err(), "more are not let through");
        (0..PROBES).for_each(|_| breaker.note(false, Instant::now()));
        assert!(breaker.admit(Instant::now()).is_ok());
        assert!(matches!(*breaker.lock(), State::Closed { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn callers_who_give_up_do_not_keep_it_half_open() {
        let breaker = breaker();
        fail(&breaker, 10);
        tokio::time::advance(Duration::from_secs(1)).await;
        while breaker.admit(Instant::now()).is_ok() {}
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(breaker.admit(Instant::now()).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_long_ago_do_not_count() {
        let breaker = breaker();
        fail(&breaker, 9);
        tokio::time::advance(Duration::from_secs(10)).await;
        fail(&breaker, 9);
        assert!(!is_open(&breaker));
    }
}
