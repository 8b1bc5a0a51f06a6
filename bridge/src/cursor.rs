//! Where a client stands in its topics, printed as one opaque string: `event_id` in frames, `since` in a
//! request.
//!
//! Inside are a version, a checksum, and for each topic a hash of its name and the last sequence number seen.
//! A client can forge one, and gains nothing: it is only ever a position in topics that the client may read.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use causeway_proto::event::Source;

const VERSION: u8 = 1;

/// Version and checksum.
const HEAD: usize = 5;

/// More topics than anybody has.
const MOST_TOPICS: usize = 256;

/// Last sequence numbers by topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cursor(Vec<(u64, u64)>);

/// The string is not a cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an event id")]
pub(crate) struct NotACursor;

impl Cursor {
    /// From pairs of [`topic_hash`] and sequence number.
    pub(crate) fn of(positions: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self(positions.into_iter().collect())
    }

    /// Reads a printed cursor. It never panics, whatever it is given.
    pub(crate) fn parse(text: &str) -> Result<Self, NotACursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let (head, mut rest) = bytes.split_at_checked(HEAD).ok_or(NotACursor)?;
        if head[0] != VERSION || head[1..] != checksum(rest) {
            return Err(NotACursor);
        }
        let mut positions = Vec::new();
        while !rest.is_empty() {
            let (hash, after) = rest.split_first_chunk().ok_or(NotACursor)?;
            let (sequence, after) = read_varint(after).ok_or(NotACursor)?;
            positions.push((u64::from_be_bytes(*hash), sequence));
            rest = after;
        }
        if positions.len() > MOST_TOPICS { Err(NotACursor) } else { Ok(Self(positions)) }
    }

    /// The last sequence number seen of a topic; `None` when the cursor does not know the topic.
    pub(crate) fn position(&self, topic_hash: u64) -> Option<u64> {
        self.0.iter().find(|(hash, _)| *hash == topic_hash).map(|(_, sequence)| *sequence)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = Vec::with_capacity(self.0.len() * 11);
        for (hash, sequence) in &self.0 {
            body.extend_from_slice(&hash.to_be_bytes());
            write_varint(&mut body, *sequence);
        }
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&checksum(&body));
        bytes.append(&mut body);
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// What stands for a topic in a cursor. It must stay the same across releases: clients keep cursors.
pub(crate) fn topic_hash(source: Source, topic: &str) -> u64 {
    fnv1a([source as u8, b':'].into_iter().chain(topic.bytes()))
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let hash = fnv1a(bytes.iter().copied());
    let folded = (hash >> 32) ^ (hash & u64::from(u32::MAX));
    u32::try_from(folded).unwrap_or(u32::MAX).to_be_bytes()
}

/// FNV-1a with 64 bits.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn write_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push((value as u8) | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        value |= bits
            .checked_shl(u32::try_from(index).ok()? * 7)
            .filter(|shifted| index < 9 || *shifted >> 63 == bits)?;
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_printed_cursor_reads_back(positions in prop::collection::vec((any::<u64>(), any::<u64>()), 0..8)) {
            let cursor = Cursor::of(positions);
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }

        #[test]
        fn garbage_is_refused_without_a_panic(text in ".{0,80}") {
            let _ = Cursor::parse(&text);
        }

        #[test]
        fn bytes_of_any_kind_do_not_panic(mut body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = vec![VERSION];
            bytes.extend_from_slice(&checksum(&body));
            bytes.append(&mut body);
            let _ = Cursor::parse(&BASE64_URL_SAFE_NO_PAD.encode(bytes));
        }

        #[test]
        fn a_changed_character_is_noticed(sequence: u64, at in 0usize..20, to in "[A-Za-z0-9_-]") {
            let printed = Cursor::of([(topic_hash(Source::Chat, "user/1"), sequence)]).to_string();
            let at = at % printed.len();
            let mut changed = printed.clone();
            changed.replace_range(at..=at, &to);
            prop_assert!(changed == printed || Cursor::parse(&changed).is_err());
        }
    }

    #[test]
    fn another_topic_has_no_position() {
        let cursor = Cursor::of([(topic_hash(Source::Chat, "user/1"), 7)]);
        assert_eq!(cursor.position(topic_hash(Source::Chat, "user/1")), Some(7));
        assert_eq!(cursor.position(topic_hash(Source::Notification, "user/1")), None);
        assert_eq!(cursor.position(topic_hash(Source::Chat, "user/2")), None);
    }

    #[test]
    fn the_hash_of_a_topic_stays_as_it_is() {
        assert_eq!(topic_hash(Source::Chat, "conversation/1"), fnv1a(b"\x01:conversation/1".iter().copied()));
        assert_eq!(fnv1a(b"a".iter().copied()), 0xaf63_dc4c_8601_ec8c);
    }
}
