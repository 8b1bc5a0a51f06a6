//! When each socket is closed as the bridge stops, and when its client is asked to come back.
//!
//! Sockets take turns, and each turn is a part of the window: however they came, they leave evenly, and no other bridge gets
//! all of them at once. Within its turn, a socket's time is random.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Gives the turns. One for each bridge.
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    /// How many sockets there were when the first asked.
    sockets: OnceLock<usize>,
    given: AtomicUsize,
}

impl Farewell {
    /// How long one more of `open` sockets waits for its end.
    pub(crate) fn turn(&self, open: usize, window: Duration) -> Duration {
        let sockets = *self.sockets.get_or_init(|| open.max(1));
        let turn = self.given.fetch_add(1, Ordering::Relaxed) % sockets;
        window.mul_f64((turn as f64 + rand::random::<f64>()) / sockets as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_leave_evenly_over_the_window() {
        let (farewell, window) = (Farewell::default(), Duration::from_secs(10));
        let mut tenths = [0; 10];
        for _ in 0..1_000 {
            let at = farewell.turn(1_000, window);
            tenths[at.as_secs() as usize] += 1;
        }
        assert_eq!(tenths, [100; 10]);
    }

    #[test]
    fn a_socket_that_was_not_counted_has_its_turn_within_the_window_too() {
        let (farewell, window) = (Farewell::default(), Duration::from_secs(10));
        assert!((0..9).all(|_| farewell.turn(2, window) < window));
        assert_eq!(farewell.turn(2, Duration::ZERO), Duration::ZERO);
    }
}
