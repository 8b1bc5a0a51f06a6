//! Who signed a request, and when.

use causeway_plugin_sdk::{axum::http::HeaderMap, webhook::verify_hmac_sha256};

use crate::settings::Secret;

const TIMESTAMP: &str = "x-causeway-timestamp";
const SIGNATURE: &str = "x-causeway-signature";

/// How far a request's time may be from ours, in seconds.
pub(super) const WINDOW: u64 = 300;

/// What a request says of itself.
#[derive(Debug)]
pub(super) struct Signed {
    timestamp: u64,
    /// As it was sent: it is part of what is signed.
    timestamp_text: String,
    /// In lower case.
    signature: String,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("must be the time of the request, in seconds since 1970")]
    Timestamp,
    #[error("must not be more than 300 s from now")]
    TooOld,
    #[error("must be \"sha256=\" and the HMAC-SHA256 of \"<timestamp>.<body>\" in hexadecimal")]
    Signature,
    #[error("was used before")]
    Replay,
}

impl Signed {
    /// Reads the headers. Nothing is verified yet.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let timestamp_text = text(TIMESTAMP).ok_or(Refused::Timestamp)?.to_owned();
        let timestamp = timestamp_text.parse().map_err(|_| Refused::Timestamp)?;
        let signature = text(SIGNATURE).and_then(|value| value.strip_prefix("sha256="));
        let signature = signature.ok_or(Refused::Signature)?.to_ascii_lowercase();
        Ok(Self { timestamp, timestamp_text, signature })
    }

    /// Whether the holder of the secret signed this body, about now. The signature is looked at first: nobody else learns
    /// what our clock says.
    pub(super) fn verify(self, secret: &Secret, body: &[u8], now: u64) -> Result<Self, Refused> {
        let message = [self.timestamp_text.as_bytes(), b".", body].concat();
        if !verify_hmac_sha256(secret.expose().as_bytes(), &message, &self.signature) {
            return Err(Refused::Signature);
        }
        if self.timestamp.abs_diff(now) > WINDOW {
            return Err(Refused::TooOld);
        }
        Ok(self)
    }

    pub(super) fn timestamp(&self) -> u64 {
        self.timestamp
    }

    pub(super) fn signature(&self) -> &str {
        &self.signature
    }
}

impl Refused {
    /// The header that is wrong.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Timestamp | Self::TooOld => "X-Causeway-Timestamp",
            Self::Signature | Self::Replay => "X-Causeway-Signature",
        }
    }

    /// For the counter.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Timestamp | Self::TooOld => "timestamp",
            Self::Signature => "signature",
            Self::Replay => "replay",
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_plugin_sdk::{axum::http::HeaderValue, webhook::sign_hmac_sha256};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn verified(timestamp: &str, signature: &str) -> Result<Signed, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(TIMESTAMP, HeaderValue::from_str(timestamp).unwrap());
        headers.insert(SIGNATURE, HeaderValue::from_str(signature).unwrap());
        Signed::read(&headers)?.verify(&Secret::new("secret").unwrap(), b"{}", NOW)
    }

    fn signature(timestamp: &str) -> String {
        format!("sha256={}", sign_hmac_sha256(b"secret", format!("{timestamp}.{{}}").as_bytes()))
    }

    #[test]
    fn a_signature_holds_for_five_minutes_on_either_side() {
        for (timestamp, holds) in
            [(NOW, true), (NOW - 300, true), (NOW + 300, true), (NOW - 301, false), (NOW + 301, false)]
        {
            let timestamp = timestamp.to_string();
            let refused = verified(&timestamp, &signature(&timestamp)).err();
            assert_eq!(refused, (!holds).then_some(Refused::TooOld), "{timestamp}");
        }
    }

    #[test]
    fn a_signature_is_of_its_time() {
        let refused = verified(&NOW.to_string(), &signature(&(NOW - 1).to_string())).unwrap_err();
        assert_eq!(refused, Refused::Signature);
    }

    #[test]
    fn headers_that_are_no_signature_are_refused() {
        let now = NOW.to_string();
        let hex = signature(&now).replace("sha256=", "");
        for wrong in ["", "sha256=", &hex, &format!("sha1={hex}"), &format!("sha256={}", &hex[..62])] {
            assert_eq!(verified(&now, wrong).unwrap_err(), Refused::Signature, "{wrong}");
        }
        for wrong in ["", "soon", "-1", "1e9", "99999999999999999999"] {
            assert_eq!(verified(wrong, &signature(wrong)).unwrap_err(), Refused::Timestamp, "{wrong}");
        }
        assert_eq!(Signed::read(&HeaderMap::new()).unwrap_err(), Refused::Timestamp);
    }
}
