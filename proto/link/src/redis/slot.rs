//! The slot of a name in a cluster (Redis Cluster specification, "Key distribution model").

/// How many slots a cluster has.
pub const SLOTS: u16 = 16384;

/// The slot of a key or of a sharded channel. When it has a part in braces, only that part counts.
pub fn slot(name: &[u8]) -> u16 {
    crc16(tag(name)) % SLOTS
}

/// What is between the first opening brace and the first closing one after it, unless nothing is.
fn tag(name: &[u8]) -> &[u8] {
    let Some(open) = name.iter().position(|byte| *byte == b'{') else { return name };
    let rest = &name[open + 1..];
    match rest.iter().position(|byte| *byte == b'}') {
        None | Some(0) => name,
        Some(close) => &rest[..close],
    }
}

/// CRC-16/XMODEM: polynomial 0x1021, from 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (name, expected) in [("foo", 12182), ("somekey", 11058), ("foo{hash_tag}", 2515), ("", 0)] {
            assert_eq!(slot(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn only_a_part_in_braces_that_is_not_empty_counts() {
        assert_eq!(slot(b"a{b}c{d}"), slot(b"b"));
        assert_eq!(slot(b"a{}{b}"), crc16(b"a{}{b}") % SLOTS);
        assert_eq!(slot(b"a{b"), crc16(b"a{b") % SLOTS);
    }
}
