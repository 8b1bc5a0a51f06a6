//! What came of a delivery, as the host hears it.

use causeway_proto::plugin::{DeliveryReport, DeliveryState};

use super::{deliveries::Part, hands::Delivered};
use crate::{Sent, Undelivered};

/// Longest code, in characters.
const CODE: usize = 64;
/// Longest text, in characters.
const TEXT: usize = 500;

/// The report of a delivery, and the label of what came of it.
pub(super) fn report(part: Part, delivered: Delivered) -> (DeliveryReport, &'static str) {
    let report = DeliveryReport { delivery_id: part.0, part: part.1, ..DeliveryReport::default() };
    match delivered {
        Ok(Sent { message_id }) => {
            let state = DeliveryState::Sent.into();
            (DeliveryReport { state, provider_message_id: message_id, ..report }, "sent")
        }
        Err(Undelivered::Permanent { code, text }) => {
            let report = why(report, DeliveryState::Failed, &code, &text);
            (DeliveryReport { permanent: true, ..report }, "permanent")
        }
        Err(Undelivered::Later { code, text, after, account_wide }) => {
            let report = why(report, DeliveryState::Failed, &code, &text);
            // Less than a millisecond is still a wait that the provider named: 0 is the host's backoff.
            // Rounded up, so that nothing comes early.
            let millis = after.map_or(0, |after| after.as_nanos().div_ceil(1_000_000).max(1));
            let wait = u32::try_from(millis).unwrap_or(u32::MAX);
            (DeliveryReport { retry_after_ms: wait, pause_account: account_wide, ..report }, "later")
        }
        Err(Undelivered::Uncertain { code, text }) => {
            (why(report, DeliveryState::Uncertain, &code, &text), "uncertain")
        }
    }
}

fn why(report: DeliveryReport, state: DeliveryState, code: &str, text: &str) -> DeliveryReport {
    let code = if code.is_empty() { "unknown" } else { code };
    DeliveryReport {
        state: state.into(),
        code: code.chars().take(CODE).collect(),
        text: text.chars().take(TEXT).collect(),
        ..report
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_provider_that_names_a_time_is_waited_for() {
        let later = |after| Undelivered::Later {
            code: "429".to_owned(),
            text: "Too Many Requests".to_owned(),
            after,
            account_wide: true,
        };
        let (named, label) = report((7, 1), Err(later(Some(Duration::from_secs(3)))));
        assert_eq!((named.delivery_id, named.part, named.state()), (7, 1, DeliveryState::Failed));
        assert_eq!((named.retry_after_ms, named.pause_account, named.permanent), (3_000, true, false));
        assert_eq!(label, "later");
        assert_eq!(report((7, 1), Err(later(None))).0.retry_after_ms, 0);
        assert_eq!(report((7, 1), Err(later(Some(Duration::MAX)))).0.retry_after_ms, u32::MAX);
        assert_eq!(report((7, 1), Err(later(Some(Duration::ZERO)))).0.retry_after_ms, 1);
    }

    #[test]
    fn codes_and_texts_keep_to_their_limits() {
        let wordy = Undelivered::Permanent { code: String::new(), text: "é".repeat(501) };
        let (report, _) = report((1, 0), Err(wordy));
        assert_eq!((report.code.as_str(), report.text.chars().count()), ("unknown", 500));
        assert!(report.permanent);
    }
}
