use causeway_proto::plugin::{Answer, Capabilities, DeliveryState, Notice, Unknown, inbound_event::Body};

use super::*;
use crate::event;

fn hello(instance: &str) -> Hello {
    Hello {
        name: "good".to_owned(),
        protocol: 1,
        instance: instance.to_owned(),
        kind: PluginKind::Agent.into(),
        ..Hello::default()
    }
}

/// A plugin that was welcomed with credit for 9 events.
fn attached() -> Rules {
    let mut rules = Rules::default();
    again(&mut rules, 0);
    rules
}

fn again(rules: &mut Rules, resume_after: u64) {
    rules.stream(Some("Bearer token"), "token");
    rules.hello(&hello("one"));
    rules.welcome(9, resume_after);
}

fn sends(rules: &mut Rules, sequence: u64) {
    let event = event("bot", format!("id/{sequence}"), "a", Body::Unknown(Unknown::default()));
    rules.event(&InboundEvent { sequence, ..event });
}

fn reports(rules: &mut Rules, id: u64, state: DeliveryState) {
    rules.report(&DeliveryReport { delivery_id: id, state: state.into(), ..DeliveryReport::default() });
}

/// The rules that are broken.
fn broken(rules: &Rules) -> Vec<Rule> {
    rules.broken.keys().copied().collect()
}

#[test]
fn a_plugin_that_keeps_to_the_rules_breaks_none() {
    let mut rules = attached();
    rules.delivery((1, 0), "a");
    reports(&mut rules, 1, DeliveryState::Sent);
    for sequence in 1..=3 {
        sends(&mut rules, sequence);
    }
    rules.outcome(1, true);
    rules.outcome(2, false);
    sends(&mut rules, 2);
    again(&mut rules, 1);
    reports(&mut rules, 1, DeliveryState::Sent);
    for sequence in 2..=4 {
        sends(&mut rules, sequence);
    }
    assert_eq!(rules.broken, BTreeMap::new());
    assert!(rules.results().iter().all(|result| !matches!(result.outcome, CheckOutcome::Failed(_))));
}

#[test]
fn a_credential_is_shown_as_a_bearer_token() {
    for shown in [None, Some("Bearer other"), Some("token")] {
        let mut rules = Rules::default();
        rules.stream(shown, "token");
        assert_eq!(broken(&rules), [Rule::Credential]);
    }
}

#[test]
fn hello_has_fields_that_fit() {
    let wrong = [
        Hello { name: "Not Good".to_owned(), ..hello("one") },
        Hello { name: String::new(), ..hello("one") },
        Hello { protocol: 2, ..hello("one") },
        Hello { kind: 0, ..hello("one") },
        Hello { kind: 99, ..hello("one") },
        hello(""),
        hello(&"x".repeat(65)),
        Hello { holding: vec![7], ..hello("one") },
        Hello {
            capabilities: Some(Capabilities {
                attachment_kinds: vec!["smell".to_owned()],
                ..Capabilities::default()
            }),
            ..hello("one")
        },
    ];
    for hello in wrong {
        let mut rules = Rules::default();
        rules.hello(&hello);
        assert_eq!(broken(&rules), [Rule::Hello], "{hello:?}");
    }
}

#[test]
fn nothing_but_credit_comes_before_welcome() {
    let mut rules = Rules::default();
    rules.hello(&hello("one"));
    rules.credit(64);
    assert_eq!(broken(&rules), []);
    rules.account(&AccountReport { account: "bot".to_owned(), state: 1, ..AccountReport::default() });
    assert_eq!(broken(&rules), [Rule::Quiet]);
}

#[test]
fn credit_is_not_overdrawn() {
    let mut rules = attached();
    (1..=9).for_each(|sequence| sends(&mut rules, sequence));
    assert_eq!(broken(&rules), []);
    sends(&mut rules, 10);
    assert_eq!(broken(&rules), [Rule::EventCredit]);
}

#[test]
fn numbers_are_not_left_out_repeated_or_changed() {
    for wrong in [&[2][..], &[1, 3], &[1, 1], &[0]] {
        let mut rules = attached();
        wrong.iter().for_each(|sequence| sends(&mut rules, *sequence));
        assert_eq!(broken(&rules), [Rule::Sequences], "{wrong:?}");
    }
    let mut rules = attached();
    sends(&mut rules, 1);
    rules.outcome(1, false);
    let other = event("bot", "another", "a", Body::Unknown(Unknown::default()));
    rules.event(&InboundEvent { sequence: 1, ..other });
    assert_eq!(broken(&rules), [Rule::Sequences]);
}

#[test]
fn what_is_not_settled_comes_first_on_the_next_stream_and_what_is_does_not() {
    for wrong in [1, 3] {
        let mut rules = attached();
        sends(&mut rules, 1);
        sends(&mut rules, 2);
        rules.outcome(1, true);
        again(&mut rules, 1);
        sends(&mut rules, wrong);
        assert_eq!(broken(&rules), [Rule::Sequences], "{wrong}");
    }
}

#[test]
fn a_new_instance_counts_from_one() {
    let mut rules = attached();
    sends(&mut rules, 1);
    rules.hello(&hello("two"));
    rules.welcome(9, 0);
    sends(&mut rules, 2);
    assert_eq!(broken(&rules), [Rule::Sequences]);
}

#[test]
fn a_delivery_is_reported_once() {
    let mut rules = attached();
    rules.delivery((1, 0), "a");
    reports(&mut rules, 1, DeliveryState::Sent);
    reports(&mut rules, 1, DeliveryState::Read);
    assert_eq!(broken(&rules), []);
    reports(&mut rules, 1, DeliveryState::Sent);
    assert_eq!(broken(&rules), [Rule::OneReport]);
}

#[test]
fn a_report_is_about_a_delivery_and_says_why() {
    let mut rules = attached();
    reports(&mut rules, 7, DeliveryState::Sent);
    assert_eq!(broken(&rules), [Rule::Reports]);
    for state in [DeliveryState::Unspecified, DeliveryState::Failed] {
        let mut rules = attached();
        rules.delivery((1, 0), "a");
        reports(&mut rules, 1, state);
        assert_eq!(broken(&rules), [Rule::Reports], "{state:?}");
    }
}

#[test]
fn an_event_is_of_its_plugins_kind_and_about_what_it_was_told() {
    let answer = |conversation: &str| {
        Body::Answer(Answer { conversation_id: conversation.to_owned(), ..Answer::default() })
    };
    for (body, is_wrong) in
        [(Body::Notice(Notice::default()), true), (answer("b"), true), (answer("a"), false)]
    {
        let mut rules = attached();
        rules.delivery((1, 0), "a");
        rules.event(&InboundEvent { sequence: 1, ..event("bot", "1", "a", body) });
        assert_eq!(!broken(&rules).is_empty(), is_wrong);
    }
    let mut rules = attached();
    rules.event(&InboundEvent { sequence: 1, ..event("", "1", "a", Body::Unknown(Unknown::default())) });
    assert_eq!(broken(&rules), [Rule::EventFields]);
}
