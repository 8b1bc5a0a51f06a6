//! Signatures and secrets (RFC 2104), compared in a time that tells nothing about them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Whether `hex_signature` is the HMAC-SHA256 of `message` under `key`, in hexadecimal of either case. Anything that is not
/// 64 hexadecimal digits is not.
pub fn verify_hmac_sha256(key: &[u8], message: &[u8], hex_signature: &str) -> bool {
    let mut signature = [0; 32];
    hex::decode_to_slice(hex_signature, &mut signature).is_ok()
        && mac(key, message).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
}

/// The HMAC-SHA256 of `message` under `key`, in lower-case hexadecimal.
pub fn sign_hmac_sha256(key: &[u8], message: &[u8]) -> String {
    mac(key, message).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// Whether `given` is the secret. The time that it takes does not depend on where they differ, nor on the secret's length:
/// what is compared are digests. An empty secret is nobody's.
pub fn same_secret(expected: &str, given: &[u8]) -> bool {
    // The key is the same on both sides and need not be hidden; it only makes digests of equal length.
    let Some(mac) = mac(b"secret", given) else { return false };
    let expected_digest = mac_of(expected.as_bytes());
    !expected.is_empty() && mac.verify_slice(&expected_digest).is_ok()
}

fn mac_of(secret: &[u8]) -> Vec<u8> {
    mac(b"secret", secret).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

/// HMAC takes keys of any length, so this is never `None`.
fn mac(key: &[u8], message: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3.
    #[test]
    fn signatures_are_those_of_the_rfc() {
        let signature = sign_hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(verify_hmac_sha256(b"Jefe", b"what do ya want for nothing?", &signature));
        assert!(verify_hmac_sha256(b"Jefe", b"what do ya want for nothing?", &signature.to_uppercase()));
    }

    #[test]
    fn what_is_not_a_signature_is_refused() {
        let good = sign_hmac_sha256(b"key", b"body");
        for bad in ["", "5b", "not hexadecimal", &good[..62], &format!("{good}00"), &format!("sha256={good}")]
        {
            assert!(!verify_hmac_sha256(b"key", b"body", bad), "{bad}");
        }
        assert!(!verify_hmac_sha256(b"key", b"another body", &good));
        assert!(!verify_hmac_sha256(b"another key", b"body", &good));
    }

    #[test]
    fn only_the_secret_is_the_secret() {
        assert!(same_secret("hunter2", b"hunter2"));
        for wrong in [b"hunter".as_slice(), b"hunter22", b"HUNTER2", b""] {
            assert!(!same_secret("hunter2", wrong));
        }
        assert!(!same_secret("", b""), "a secret that was forgotten lets nobody in");
    }
}
