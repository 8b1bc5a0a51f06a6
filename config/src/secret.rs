//! A value that is never printed.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// A secret text, never empty. `Debug` hides it and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text; `None` when it is empty.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        if text.is_empty() { None } else { Some(Self(text)) }
    }

    /// The text, for whoever must use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).ok_or_else(|| de::Error::custom("must not be empty"))
    }
}

/// Whether the value of a key must be masked wherever it is printed. Paths of files are no secrets.
pub(crate) fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    !last.ends_with("_file") && ["secret", "token", "password"].iter().any(|word| last.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2").map(|secret| format!("{secret:?}"));
        assert_eq!(secret.as_deref(), Some("Secret(…)"));
    }

    #[test]
    fn secret_keys_are_known_by_their_names() {
        for key in ["auth.service_token", "auth.keys[0].secret", "auth.introspection.client_secret"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["auth.keys[0].secret_file", "bridge.listen", "auth.keys[0].id"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
