//! Ids of users and conversations: their canonical form, and the UUIDv8 (RFC 9562 §5.8) that stands for one where a
//! frontend wants UUIDs.
//!
//! An id that is a UUID stands for itself. A number below 2^62 is packed into a UUIDv8 and can be unpacked. Any other
//! string is hashed into a UUIDv8 with a mark of its own; whoever stores ids stores that UUID beside the id and looks it up.

use sha2::{Digest, Sha256};
use uuid::{Uuid, Variant};

/// Longest id, in bytes.
pub const MAX_LENGTH: usize = 128;

/// The 12 bits after the version say which of the two forms a UUIDv8 of ours is.
const NUMBER_MARK: u128 = 0;
const HASH_MARK: u128 = 0xca5;

const NUMBER_BITS: u128 = (1 << 62) - 1;
const VERSION_AND_VARIANT: u128 = (8 << 76) | (0b10 << 62);

/// What an id that came in stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The canonical id.
    Canonical(String),
    /// The UUID of a hashed id: the canonical one is found by lookup. It may also be an id of its own.
    Hashed(Uuid),
}

/// Why a string is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It is longer than [`MAX_LENGTH`].
    #[error("must not be longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// It holds a control character, a space at an end, or `/`.
    #[error("must not contain control characters, \"/\", or spaces at its ends")]
    Character,
}

/// Reads an id that came from outside: unpacks numbers, lower-cases UUIDs, and tells hashed forms apart.
pub fn read(given: &str) -> Result<Given, InvalidId> {
    if given.is_empty() {
        return Err(InvalidId::Empty);
    }
    if given.len() > MAX_LENGTH {
        return Err(InvalidId::TooLong);
    }
    if given.chars().any(|c| c.is_control() || c == '/') || given.trim() != given {
        return Err(InvalidId::Character);
    }
    let Some(uuid) = parse_uuid(given) else { return Ok(Given::Canonical(given.to_owned())) };
    Ok(match form(uuid) {
        Form::Number(number) => Given::Canonical(number.to_string()),
        Form::Hash => Given::Hashed(uuid),
        Form::Other => Given::Canonical(uuid.to_string()),
    })
}

/// The UUID that stands for a canonical id, or for a number such as a message id.
pub fn to_uuid(id: &str) -> Uuid {
    if let Some(uuid) = parse_uuid(id) {
        return uuid;
    }
    if let Some(number) = as_number(id).filter(|number| u128::from(*number) <= NUMBER_BITS) {
        return Uuid::from_u128(VERSION_AND_VARIANT | (NUMBER_MARK << 64) | u128::from(number));
    }
    let digest = Sha256::digest(id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let hash = u128::from_be_bytes(bytes);
    let high = hash & (((1 << 48) - 1) << 80);
    Uuid::from_u128(VERSION_AND_VARIANT | high | (HASH_MARK << 64) | (hash & NUMBER_BITS))
}

/// The number that a canonical id is: decimal, without sign or leading zeros.
pub fn as_number(id: &str) -> Option<u64> {
    let digits =
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && (id == "0" || !id.starts_with('0'));
    if digits { id.parse().ok() } else { None }
}

/// Whether two ids that came from anywhere stand for the same thing.
pub fn same(left: &str, right: &str) -> bool {
    left == right || to_uuid(left) == to_uuid(right)
}

enum Form {
    Number(u64),
    Hash,
    Other,
}

fn form(uuid: Uuid) -> Form {
    if uuid.get_version_num() != 8 || uuid.get_variant() != Variant::RFC4122 {
        return Form::Other;
    }
    let bits = uuid.as_u128();
    let (high, mark, low) = (bits >> 80, (bits >> 64) & 0xfff, bits & NUMBER_BITS);
    match (high, mark) {
        (0, NUMBER_MARK) => u64::try_from(low).map_or(Form::Other, Form::Number),
        (_, HASH_MARK) => Form::Hash,
        _ => Form::Other,
    }
}

/// Only the usual form with hyphens is a UUID: 32 hexadecimal digits may be somebody's id.
fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_goes_into_a_uuid_and_comes_back(number in 0u64..1 << 62) {
            let id = number.to_string();
            let uuid = to_uuid(&id);
            prop_assert_eq!(uuid.get_version_num(), 8);
            prop_assert_eq!(read(&uuid.to_string()), Ok(Given::Canonical(id)));
        }

        #[test]
        fn a_string_goes_into_a_uuid_that_says_it_must_be_looked_up(id in "[a-z:_-]{1,40}") {
            let uuid = to_uuid(&id);
            prop_assert_eq!(read(&uuid.to_string()), Ok(Given::Hashed(uuid)));
            prop_assert!(same(&id, &uuid.to_string()));
        }

        #[test]
        fn a_uuid_that_is_not_ours_stands_for_itself(bits: u128) {
            let uuid = uuid::Builder::from_u128(bits).with_version(uuid::Version::Random).into_uuid();
            prop_assert_eq!(to_uuid(&uuid.to_string()), uuid);
            prop_assert_eq!(read(&uuid.to_string()), Ok(Given::Canonical(uuid.to_string())));
        }

        #[test]
        fn reading_never_panics(text in ".{0,200}") {
            let _ = read(&text);
        }
    }

    #[test]
    fn upper_case_uuids_are_the_same_id() {
        let upper = "6F9619FF-8B86-4011-B42D-00C04FC964FF";
        assert_eq!(read(upper), Ok(Given::Canonical(upper.to_lowercase())));
    }

    #[test]
    fn leading_zeros_are_no_number() {
        assert_eq!(as_number("007"), None);
        assert_eq!(as_number("0"), Some(0));
        assert_eq!(as_number(""), None);
        assert_ne!(to_uuid("007"), to_uuid("7"));
    }

    #[test]
    fn what_is_no_id_says_why() {
        assert_eq!(read(""), Err(InvalidId::Empty));
        assert_eq!(read("a/b"), Err(InvalidId::Character));
        assert_eq!(read(" a"), Err(InvalidId::Character));
        assert_eq!(read(&"x".repeat(129)), Err(InvalidId::TooLong));
    }
}
