//! What a plugin must do, one check after the other.

mod accounts;
mod deliveries;
mod endings;
mod events;
mod first;

use futures_util::future::BoxFuture;

use super::stage::{Stage, Step};

/// Something that is tried.
pub(super) struct Check {
    /// In a word or two.
    pub(super) name: &'static str,
    /// What the protocol asks.
    pub(super) requirement: &'static str,
    pub(super) run: for<'a> fn(&'a mut Stage) -> BoxFuture<'a, Step<()>>,
}

impl Check {
    /// Whether it is the one without which no other is tried.
    pub(super) fn is_first(&self) -> bool {
        self.name == ALL[0].name
    }
}

/// All of them, in order.
pub(super) const ALL: [Check; 19] = [
    Check {
        name: "attach",
        requirement: "The plugin opens a stream, says Hello, and waits for Welcome.",
        run: |stage| Box::pin(first::attach(stage)),
    },
    Check {
        name: "delivery credit",
        requirement: "After Welcome the plugin says how many deliveries it takes.",
        run: |stage| Box::pin(first::delivery_credit(stage)),
    },
    Check {
        name: "delivery",
        requirement: "Each delivery is answered with a report that names its id and part.",
        run: |stage| Box::pin(deliveries::one(stage)),
    },
    Check {
        name: "deliveries side by side",
        requirement: "Deliveries of different partitions that are handed over at once are all answered.",
        run: |stage| Box::pin(deliveries::side_by_side(stage)),
    },
    Check {
        name: "deliveries in order",
        requirement: "After each report the next delivery of the partition is answered, and credit does not run out.",
        run: |stage| Box::pin(deliveries::in_order(stage)),
    },
    Check {
        name: "repeated delivery",
        requirement: "A delivery that is repeated, because Recorded was lost, is reported again.",
        run: |stage| Box::pin(deliveries::repeated(stage)),
    },
    Check {
        name: "repeated report",
        requirement: "A report that was not recorded is repeated on the next stream, whose Hello names the delivery as held.",
        run: |stage| Box::pin(deliveries::report_repeated(stage)),
    },
    Check {
        name: "unknown messages",
        requirement: "A second Welcome and messages of a later version are passed over.",
        run: |stage| Box::pin(first::unknown_messages(stage)),
    },
    Check {
        name: "attach after a cut",
        requirement: "When the connection is cut, the same instance attaches again.",
        run: |stage| Box::pin(endings::cut(stage)),
    },
    Check {
        name: "attach after UNAVAILABLE",
        requirement: "After UNAVAILABLE the plugin attaches again, not before the time in RetryInfo.",
        run: |stage| Box::pin(endings::unavailable(stage)),
    },
    Check {
        name: "attach after a refusal",
        requirement: "After UNAVAILABLE in place of Welcome the plugin attaches again, not before the time in RetryInfo.",
        run: |stage| Box::pin(endings::refused(stage)),
    },
    Check {
        name: "drain",
        requirement: "After Drain the plugin reports what is in hand, ends its side of the stream, and attaches again.",
        run: |stage| Box::pin(endings::drain(stage)),
    },
    Check {
        name: "events within credit",
        requirement: "Events wait for credit, and come when it is granted.",
        run: |stage| Box::pin(events::within_credit(stage)),
    },
    Check {
        name: "events after a cut",
        requirement: "Events that were not settled are sent again on the next stream, with their numbers, and settled ones are not.",
        run: |stage| Box::pin(events::after_a_cut(stage)),
    },
    Check {
        name: "RETRY_AFTER",
        requirement: "An event that was answered with RETRY_AFTER is sent again with its number, not before the time.",
        run: |stage| Box::pin(events::retry_after(stage)),
    },
    Check {
        name: "slow host",
        requirement: "While outcomes are slow to come, nothing is repeated and other work goes on.",
        run: |stage| Box::pin(events::slow_host(stage)),
    },
    Check {
        name: "outcomes out of order",
        requirement: "Outcomes may come in any order.",
        run: |stage| Box::pin(events::out_of_order(stage)),
    },
    Check {
        name: "kill",
        requirement: "A plugin that was killed and started again attaches as a new instance, which holds nothing.",
        run: |stage| Box::pin(endings::kill(stage)),
    },
    Check {
        name: "accounts",
        requirement: "The state of each account is said at least every 30 s.",
        run: |stage| Box::pin(accounts::repeated(stage)),
    },
];
