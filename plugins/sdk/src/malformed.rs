//! What a provider sent and the plugin cannot read: kept at the host for a person.

use causeway_proto::plugin::{InboundEvent, Malformed, inbound_event::Body};
use sha2::{Digest, Sha256};

use crate::host::event;

/// How much of a payload the host keeps, in bytes.
pub(crate) const KEPT: usize = 64 << 10;
/// How much of a reason is said, in characters.
const REASON: usize = 500;

/// An event that says that `payload` is not readable, for this reason. Its id is made of the payload, so that a repetition is
/// a duplicate; answer the provider as if all were well, or it repeats for ever.
pub fn malformed(account: &str, reason: impl std::fmt::Display, payload: &[u8]) -> InboundEvent {
    let digest = hex::encode(Sha256::digest(payload));
    let reason: String = reason.to_string().chars().take(REASON).collect();
    let payload = payload[..payload.len().min(KEPT)].to_vec();
    let body = Body::Malformed(Malformed { reason, payload });
    event(account, format!("malformed/{}", &digest[..32]), "", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_payload_makes_the_same_event_and_another_another() {
        let first = malformed("bot", "not JSON", b"{");
        assert_eq!(first, malformed("bot", "not JSON", b"{"));
        assert_ne!(first.provider_id, malformed("bot", "not JSON", b"[").provider_id);
        assert_eq!(first.provider_id.len(), "malformed/".len() + 32);
    }

    #[test]
    fn a_long_payload_is_kept_in_part_and_told_apart_in_whole() {
        let (one, mut other) = (vec![b'a'; KEPT + 1], vec![b'a'; KEPT + 1]);
        other[KEPT] = b'b';
        let (one, other) = (malformed("bot", "long", &one), malformed("bot", "long", &other));
        assert_ne!(one.provider_id, other.provider_id);
        let Some(Body::Malformed(kept)) = one.body else { panic!("a malformed event") };
        assert_eq!(kept.payload.len(), KEPT);
    }
}
