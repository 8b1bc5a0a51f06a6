//! A value that is never printed.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de};

use crate::section::Invalid;

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

impl Secret {
    /// The text of a file; a line end at its end is not part of it. Fails when the file cannot be read or is empty.
    pub fn in_file(file: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        let empty = || io::Error::new(io::ErrorKind::InvalidData, "the file is empty");
        Self::new(text.trim_end_matches(['\r', '\n'])).ok_or_else(empty)
    }
}

/// Fails unless a secret stands either in the settings or in a file.
pub(crate) fn one(key: &str, inline: Option<&Secret>, file: Option<&PathBuf>) -> Result<(), Invalid> {
    let problem = match (inline, file) {
        (Some(_), None) | (None, Some(_)) => return Ok(()),
        (None, None) => "is missing",
        (Some(_), Some(_)) => "stands there twice",
    };
    Err(Invalid::new(key, problem, format!("either `{key}` or `{key}_file`")))
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

/// Whether the value of a key must be masked wherever it is printed. Paths of files are no secrets; where a feed is may be one.
pub(crate) fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    let is_feed = key.starts_with("plugins.notices.feeds[") && last == "url";
    is_feed
        || key == "redis.url"
        || key == "store.url"
        || !last.ends_with("_file") && ["secret", "token", "password"].iter().any(|word| last.contains(word))
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
    fn a_url_with_a_password_in_it_is_secret() {
        assert!(is_secret("redis.url") && is_secret("store.url"));
    }

    #[test]
    fn secret_keys_are_known_by_their_names() {
        for key in ["auth.service_token", "auth.keys[0].secret", "auth.introspection.client_secret"] {
            assert!(is_secret(key), "{key}");
        }
        assert!(is_secret("plugins.notices.feeds[0].url") && !is_secret("services.chat.url"));
        for key in ["auth.keys[0].secret_file", "bridge.listen", "auth.keys[0].id"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
