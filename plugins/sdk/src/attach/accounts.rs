//! What the plugin says of its accounts: on each change, at once on a new stream, and every 30 s.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use causeway_proto::plugin::AccountReport;
use tokio::time::Instant;

/// Hosts take silence of 90 s for trouble.
const EVERY: Duration = Duration::from_secs(30);
/// Accounts that a plugin may have.
const MAX: usize = 1_024;
/// Longest name of an account, in characters.
const NAME: usize = 128;

/// What was last said of each account.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// The newest report of each, and when it is to be said.
    known: BTreeMap<String, (AccountReport, Instant)>,
    /// When the first of them is. It is asked for with every event.
    soonest: Option<Instant>,
}

impl Accounts {
    /// The plugin says how an account is.
    pub(super) fn note(&mut self, report: AccountReport, now: Instant) {
        // The host would end the stream over it, again and again.
        if !(1..=NAME).contains(&report.account.chars().count()) {
            tracing::error!("an account whose name has not 1 to {NAME} characters is not reported");
            return;
        }
        let count = self.known.len();
        match self.known.entry(report.account.clone()) {
            Entry::Occupied(mut known) => *known.get_mut() = (report, now),
            Entry::Vacant(new) if count < MAX => drop(new.insert((report, now))),
            Entry::Vacant(_) => tracing::warn!("an account is one too many to be reported"),
        }
        self.look();
    }

    /// A new stream begins.
    pub(super) fn welcome(&mut self, now: Instant) {
        for (_, due) in self.known.values_mut() {
            *due = now;
        }
        self.look();
    }

    /// The next report to send.
    pub(super) fn next(&mut self, now: Instant) -> Option<AccountReport> {
        self.soonest.filter(|soonest| *soonest <= now)?;
        let (report, due) = self.known.values_mut().find(|(_, due)| *due <= now)?;
        *due = now + EVERY;
        let report = report.clone();
        self.look();
        Some(report)
    }

    /// When there is a report to send.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.soonest
    }

    fn look(&mut self) {
        self.soonest = self.known.values().map(|(_, due)| *due).min();
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::plugin::AccountState;

    use super::*;

    fn report(account: &str, state: AccountState) -> AccountReport {
        AccountReport { account: account.to_owned(), state: state.into(), ..AccountReport::default() }
    }

    #[test]
    fn a_report_is_said_at_once_and_every_thirty_seconds() {
        let (mut accounts, start) = (Accounts::default(), Instant::now());
        accounts.note(report("bot", AccountState::Connected), start);
        assert_eq!(accounts.next(start), Some(report("bot", AccountState::Connected)));
        assert_eq!(accounts.next(start), None);
        assert_eq!(accounts.wake(), Some(start + EVERY));
        assert!(accounts.next(start + EVERY).is_some());
    }

    #[test]
    fn a_change_is_said_at_once_and_the_newest_counts() {
        let (mut accounts, start) = (Accounts::default(), Instant::now());
        accounts.note(report("bot", AccountState::Connected), start);
        accounts.next(start);
        accounts.note(report("bot", AccountState::Reconnecting), start);
        accounts.note(report("bot", AccountState::BadCredentials), start);
        assert_eq!(accounts.next(start), Some(report("bot", AccountState::BadCredentials)));
        assert_eq!(accounts.next(start), None);
    }

    #[test]
    fn an_account_that_no_host_takes_is_not_said() {
        let (mut accounts, start) = (Accounts::default(), Instant::now());
        for name in ["", &"x".repeat(NAME + 1)] {
            accounts.note(report(name, AccountState::Connected), start);
        }
        assert_eq!((accounts.next(start), accounts.wake()), (None, None));
    }

    #[test]
    fn a_new_stream_hears_of_every_account() {
        let (mut accounts, start) = (Accounts::default(), Instant::now());
        accounts.note(report("one", AccountState::Connected), start);
        accounts.note(report("two", AccountState::Stopped), start);
        while accounts.next(start).is_some() {}
        accounts.welcome(start);
        assert!(accounts.next(start).is_some() && accounts.next(start).is_some());
        assert_eq!(accounts.next(start), None);
    }
}
