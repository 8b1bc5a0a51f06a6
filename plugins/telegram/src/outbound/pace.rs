//! How fast messages go out, so that Telegram need not say 429: one bot's all together, and one chat's.
//!
//! Turns are given in advance and in order, each to one message, which then waits for it; nobody polls.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use crate::settings::Pace;

/// Chats that are remembered before those are forgotten whose silence is over.
const MANY_CHATS: usize = 4096;

/// The pace of one bot.
#[derive(Debug)]
pub(crate) struct Pacer {
    period: Duration,
    chat_period: Duration,
    /// How far ahead of its pace a chat may be.
    chat_lead: Duration,
    turns: Mutex<Turns>,
}

#[derive(Debug)]
struct Turns {
    next: Instant,
    /// When each chat would have been back at its pace.
    chats: HashMap<i64, Instant>,
    forget_at: usize,
    paused_until: Instant,
}

/// Telegram asked for a pause that lasts this long still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paused(pub(crate) Duration);

impl Pacer {
    pub(crate) fn new(pace: Pace) -> Self {
        let now = Instant::now();
        let period = |per_second: NonZeroU32| Duration::from_secs(1) / per_second.get();
        let chat_period = period(pace.chat_per_second);
        let turns = Turns { next: now, chats: HashMap::new(), forget_at: MANY_CHATS, paused_until: now };
        Self {
            period: period(pace.per_second),
            chat_period,
            chat_lead: chat_period * (pace.chat_burst.get() - 1),
            turns: Mutex::new(turns),
        }
    }

    /// Waits for the turn of a message to a chat. Fails at once while Telegram wants nothing.
    pub(crate) async fn turn(&self, chat: i64) -> Result<(), Paused> {
        let at = self.turns().of_chat(chat, self.chat_period, self.chat_lead, Instant::now())?;
        sleep_until(at).await;
        let at = self.turns().of_bot(self.period, Instant::now())?;
        sleep_until(at).await;
        self.turns().go_on(Instant::now())
    }

    /// Takes a turn for something that is worth no wait; false when there is none.
    pub(crate) fn spare(&self) -> bool {
        let (mut turns, now) = (self.turns(), Instant::now());
        turns.next <= now && turns.of_bot(self.period, now).is_ok()
    }

    /// Telegram wants nothing for so long.
    pub(crate) fn pause(&self, wait: Duration) {
        let mut turns = self.turns();
        turns.paused_until = turns.paused_until.max(Instant::now() + wait);
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    fn of_chat(
        &mut self,
        chat: i64,
        period: Duration,
        lead: Duration,
        now: Instant,
    ) -> Result<Instant, Paused> {
        self.go_on(now)?;
        if self.chats.len() >= self.forget_at {
            self.chats.retain(|_, at_pace| *at_pace > now);
            self.forget_at = (self.chats.len() * 2).max(MANY_CHATS);
        }
        let at_pace = self.chats.entry(chat).or_insert(now);
        let at = at_pace.checked_sub(lead).map_or(now, |at| at.max(now));
        *at_pace = (*at_pace).max(now) + period;
        Ok(at)
    }

    fn of_bot(&mut self, period: Duration, now: Instant) -> Result<Instant, Paused> {
        self.go_on(now)?;
        let at = self.next.max(now);
        self.next = at + period;
        Ok(at)
    }

    fn go_on(&self, now: Instant) -> Result<(), Paused> {
        match self.paused_until.saturating_duration_since(now) {
            Duration::ZERO => Ok(()),
            left => Err(Paused(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(per_second: u32, chat_per_second: u32, chat_burst: u32) -> Pacer {
        let [per_second, chat_per_second, chat_burst] =
            [per_second, chat_per_second, chat_burst].map(|count| NonZeroU32::new(count).unwrap());
        Pacer::new(Pace { per_second, chat_per_second, chat_burst })
    }

    #[tokio::test(start_paused = true)]
    async fn a_bot_keeps_its_pace_over_all_chats() {
        let (pacer, start) = (pacer(10, 1, 1), Instant::now());
        for chat in 0..21 {
            pacer.turn(chat).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_may_be_ahead_for_a_while() {
        let (pacer, start) = (pacer(1000, 1, 3), Instant::now());
        for _ in 0..3 {
            pacer.turn(7).await.unwrap();
        }
        assert!(start.elapsed() < Duration::from_millis(10));
        for _ in 0..3 {
            pacer.turn(7).await.unwrap();
        }
        assert!((Duration::from_secs(3)..Duration::from_millis(3010)).contains(&start.elapsed()));
        pacer.turn(8).await.unwrap();
        assert!(start.elapsed() < Duration::from_millis(3010), "another chat does not wait for it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_who_waits_and_who_comes() {
        let pacer = pacer(1, 10, 1);
        pacer.turn(1).await.unwrap();
        let waiting = async { pacer.turn(2).await };
        let pausing = async { pacer.pause(Duration::from_secs(5)) };
        let (waited, ()) = tokio::join!(waiting, pausing);
        assert_eq!(waited, Err(Paused(Duration::from_secs(4))));
        assert_eq!(pacer.turn(3).await, Err(Paused(Duration::from_secs(4))));
        assert!(!pacer.spare());
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(pacer.turn(3).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn chats_that_are_silent_are_forgotten() {
        let pacer = pacer(1_000_000, 1000, 1);
        for chat in 0..100_000 {
            pacer.turn(chat).await.unwrap();
        }
        assert!(pacer.turns().chats.len() <= 2 * MANY_CHATS);
    }
}
