//! Ids of events, made of what Instagram says, so that a repetition is known.

use sha2::{Digest, Sha256};

/// Longest id that the host takes, in characters.
const LENGTH: usize = 256;

/// The parts, joined by "/". Where that is too long, what is over is told apart by a digest.
pub(super) fn of(parts: &[&str]) -> String {
    let whole = parts.join("/");
    if whole.chars().count() <= LENGTH {
        return whole;
    }
    let digest = digest(whole.as_bytes());
    let start: String = whole.chars().take(LENGTH - 1 - digest.len()).collect();
    format!("{start}/{digest}")
}

/// 32 hexadecimal digits that are those of this payload.
pub(super) fn digest(payload: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(payload));
    digest.truncate(32);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_are_cut_and_stay_different() {
        assert_eq!(of(&["read", "m1", "7"]), "read/m1/7");
        let long = "m".repeat(300);
        let (one, other) = (of(&["mid", &long, "1"]), of(&["mid", &long, "2"]));
        assert_ne!(one, other);
        assert_eq!((one.len(), other.len()), (LENGTH, LENGTH));
        assert_eq!(of(&["é".repeat(300).as_str()]).chars().count(), LENGTH);
    }
}
