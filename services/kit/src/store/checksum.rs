//! Checksums of what is kept for ever, so that a flipped bit on the disk is told and not served: neither engine has them of itself
//! for every page.

use super::value::Mismatch;

/// The checksum of a content: its CRC-32 (IEEE 802.3), which finds every flip of up to three bits in 64 KiB.
pub fn checksum(content: &[u8]) -> i64 {
    i64::from(crc32fast::hash(content))
}

/// A content that is not what was stored.
#[derive(Debug, thiserror::Error)]
#[error("damaged: its checksum is another than when it was stored")]
struct Damaged;

/// Passes a content on unless it is damaged. What was stored by an earlier version has no checksum.
pub(super) fn sound(content: &[u8], stored: Option<i64>) -> Result<&[u8], Mismatch> {
    match stored {
        Some(sum) if sum != checksum(content) => Err(Mismatch::content(Damaged)),
        Some(_) | None => Ok(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_noticed() {
        let content = b"Hello Bob!".to_vec();
        let sum = checksum(&content);
        assert!(sound(&content, Some(sum)).is_ok() && sound(&content, None).is_ok());
        for bit in 0..content.len() * 8 {
            let mut damaged = content.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(sound(&damaged, Some(sum)).is_err());
        }
    }
}
