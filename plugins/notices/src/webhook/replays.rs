//! Signatures that were used, for as long as their time would be taken.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::signature::WINDOW;

/// Most signatures that are remembered. Beyond that the oldest are forgotten: of these a replay reaches the host, where it is
/// a duplicate.
const REMEMBERED: usize = 65_536;

/// The signatures of one webhook.
#[derive(Debug, Default)]
pub(super) struct Replays(Mutex<BTreeSet<(u64, String)>>);

/// A request whose signature is used now. Unless it is kept, the same request may come again: nothing came of it.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    replays: &'a Replays,
    signed: Option<(u64, String)>,
}

impl Replays {
    /// Uses a signature of that time; `None` when it was used before.
    pub(super) fn begin(&self, signature: &str, timestamp: u64, now: u64) -> Option<Turn<'_>> {
        let mut used = self.used();
        let too_old = (now.saturating_sub(WINDOW), String::new());
        *used = used.split_off(&too_old);
        let signed = (timestamp, signature.to_owned());
        if !used.insert(signed.clone()) {
            return None;
        }
        if used.len() > REMEMBERED {
            used.pop_first();
        }
        Some(Turn { replays: self, signed: Some(signed) })
    }

    fn used(&self) -> MutexGuard<'_, BTreeSet<(u64, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// It was settled: the signature is used up.
    pub(super) fn keep(mut self) {
        self.signed = None;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(signed) = &self.signed {
            self.replays.used().remove(signed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn a_signature_is_used_once() {
        let replays = Replays::default();
        replays.begin("a", NOW, NOW).unwrap().keep();
        assert!(replays.begin("a", NOW, NOW + WINDOW).is_none());
        assert!(replays.begin("b", NOW, NOW).is_some());
    }

    #[test]
    fn what_came_to_nothing_may_come_again() {
        let replays = Replays::default();
        let turn = replays.begin("a", NOW, NOW).unwrap();
        assert!(replays.begin("a", NOW, NOW).is_none(), "not while it is in hand");
        drop(turn);
        assert!(replays.begin("a", NOW, NOW).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let replays = Replays::default();
        for number in 0..=REMEMBERED {
            replays.begin(&format!("{number:08}"), NOW, NOW).unwrap().keep();
        }
        assert_eq!(replays.used().len(), REMEMBERED);
        replays.begin("later", NOW + 2 * WINDOW, NOW + 2 * WINDOW).unwrap().keep();
        assert_eq!(replays.used().len(), 1, "what is too old is refused by its time");
    }
}
