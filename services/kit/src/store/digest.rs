//! What a table holds, in a few bytes: how many rows, and a checksum over them in any order.

use sha2::{Digest as _, Sha256};

use super::value::Value;

/// The rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Digest {
    rows: u64,
    /// The sum of the first 16 bytes of the rows' SHA-256, so that the order does not matter.
    sum: u128,
}

impl Digest {
    /// Adds a row.
    pub(super) fn add(&mut self, values: &[Value<'_>]) {
        let mut hash = Sha256::new();
        for value in values {
            match value {
                Value::Null => hash.update([0]),
                Value::Integer(integer) => hash.update([&[1], &integer.to_be_bytes()[..]].concat()),
                Value::Text(text) => add_bytes(&mut hash, 2, text.as_bytes()),
                Value::Blob(bytes) => add_bytes(&mut hash, 3, bytes),
                Value::TooLarge => hash.update([4]),
            }
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(first));
        self.rows += 1;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The checksum, in hexadecimal.
    pub(super) fn sum(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows with the checksum {:032x}", self.rows, self.sum)
    }
}

/// The length goes first, so that no two rows are one text.
fn add_bytes(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value<'_>]]) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_all_else_does() {
        let (one, two) = ([Value::Integer(1), Value::Text("a")], [Value::Integer(2), Value::Null]);
        assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
        for other in [[Value::Integer(1), Value::Blob(b"a")], [Value::Integer(1), Value::Text("b")]] {
            assert_ne!(digest(&[&one]).sum(), digest(&[&other]).sum());
        }
        assert_ne!(digest(&[&one]), digest(&[&one, &one]));
        let (split, joined) = ([Value::Text("ab"), Value::Text("c")], [Value::Text("a"), Value::Text("bc")]);
        assert_ne!(digest(&[&split]), digest(&[&joined]));
    }
}
