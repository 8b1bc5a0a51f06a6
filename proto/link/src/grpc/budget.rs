//! The retry budget: how many calls to a service may be made again, as a share of all. When everything fails, retries
//! would be the load that keeps it failing.

use std::sync::atomic::{AtomicI64, Ordering};

/// A token, in the unit of account.
const TOKEN: i64 = 1000;

/// A bucket of tokens: each call pays in a share of one, each retry takes one out.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicI64,
    most: i64,
    share: i64,
}

impl Budget {
    /// A full bucket of `burst` tokens, into which each call pays `ratio` of one.
    pub(crate) fn new(ratio: f64, burst: u32) -> Self {
        let most = i64::from(burst) * TOKEN;
        #[expect(clippy::cast_possible_truncation, reason = "a share is at most one token")]
        let share = (ratio.clamp(0.0, 1.0) * TOKEN as f64).round() as i64;
        Self { left: AtomicI64::new(most), most, share }
    }

    /// A call is made for the first time.
    pub(crate) fn deposit(&self) {
        let paid_in = |left: i64| Some((left + self.share).min(self.most));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid_in);
    }

    /// Whether a call may be made again; that is paid for.
    pub(crate) fn withdraw(&self) -> bool {
        let taken_out = |left: i64| (left >= TOKEN).then_some(left - TOKEN);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken_out).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_calls_beyond_the_first_burst() {
        let budget = Budget::new(0.2, 10);
        let mut retries = 0;
        for _ in 0..1000 {
            budget.deposit();
            retries += u32::from(budget.withdraw());
        }
        assert!((200..=210).contains(&retries), "{retries}");
    }

    #[test]
    fn what_is_not_used_does_not_add_up_for_ever() {
        let budget = Budget::new(1.0, 3);
        (0..100).for_each(|_| budget.deposit());
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 3);
    }

    #[test]
    fn without_a_budget_nothing_is_made_again() {
        let budget = Budget::new(0.0, 0);
        budget.deposit();
        assert!(!budget.withdraw());
    }
}
