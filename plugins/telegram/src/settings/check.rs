//! Whether settings are good, and what is wrong with them.

use std::{collections::HashSet, time::Duration};

use reqwest::Url;

use super::{Bot, Mode, Settings};

/// Shortest key for file links, in bytes.
const MIN_FILE_SECRET: usize = 16;
/// Longest wait for updates that Telegram grants.
const MAX_POLL_TIMEOUT: Duration = Duration::from_secs(50);

/// What is wrong with the settings, by the setting's name. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not an http or https URL, or one with a query or a fragment.
    #[error("{setting}: must be an http or https URL without query and fragment")]
    Url {
        /// Which.
        setting: &'static str,
    },
    /// Telegram calls webhooks over https alone.
    #[error("public_url: must be https for the webhook of bot {account:?}, or Telegram refuses it")]
    PlainWebhook {
        /// Whose.
        account: String,
    },
    /// Too short to sign with.
    #[error("file_secret: must have at least {MIN_FILE_SECRET} bytes")]
    FileSecret,
    /// Out of range.
    #[error("{setting}: must be {allowed}")]
    Range {
        /// Which.
        setting: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// No bot at all.
    #[error("bots: must name at least one bot")]
    NoBots,
    /// Not a name.
    #[error("bots: {account:?} is not an account: 1 to 128 of A-Z, a-z, 0-9, \"_\", \"-\" and \".\"")]
    Account {
        /// Which.
        account: String,
    },
    /// Two bots have the same account, or the same token.
    #[error("bots: {account:?} stands there twice, by its account or its token")]
    Twice {
        /// The second one.
        account: String,
    },
    /// Not a token.
    #[error("bots: the token of {account:?} does not look like one, for example 123456:ABC-DEF")]
    Token {
        /// Whose.
        account: String,
    },
    /// Not a secret token.
    #[error("bots: the secret_token of {account:?} must be 1 to 256 of A-Z, a-z, 0-9, \"_\" and \"-\"")]
    SecretToken {
        /// Whose.
        account: String,
    },
    /// The HTTP client cannot be set up, for example because the system has no certificates.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
}

impl Settings {
    /// Fails with the first thing that is wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let api = base_url("api", &self.api)?;
        let public = base_url("public_url", &self.public_url)?;
        if self.file_secret.expose().len() < MIN_FILE_SECRET {
            return Err(SettingsError::FileSecret);
        }
        if self.poll_timeout < Duration::from_secs(1) || self.poll_timeout > MAX_POLL_TIMEOUT {
            return Err(SettingsError::Range { setting: "poll_timeout", allowed: "1s to 50s" });
        }
        if self.request_timeout.is_zero() {
            return Err(SettingsError::Range { setting: "request_timeout", allowed: "more than 0s" });
        }
        if self.bots.is_empty() {
            return Err(SettingsError::NoBots);
        }
        let (mut accounts, mut tokens) = (HashSet::new(), HashSet::new());
        for bot in &self.bots {
            let account = bot.account.clone();
            bot.check()?;
            if !accounts.insert(&bot.account) || !tokens.insert(bot.token.expose()) {
                return Err(SettingsError::Twice { account });
            }
            // A Bot API server of one's own may call where it likes.
            let is_telegram = api.host_str() == Some("api.telegram.org");
            if is_telegram && matches!(bot.mode, Mode::Webhook { .. }) && public.scheme() != "https" {
                return Err(SettingsError::PlainWebhook { account });
            }
        }
        Ok(())
    }
}

impl Bot {
    fn check(&self) -> Result<(), SettingsError> {
        let account = self.account.clone();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if !(1..=128).contains(&account.len()) || !account.bytes().all(is_name) || is_dots(&account) {
            return Err(SettingsError::Account { account });
        }
        let is_key =
            |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let is_token = self.token.expose().split_once(':').is_some_and(|(id, key)| {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) && !key.is_empty() && is_key(key)
        });
        if !is_token {
            return Err(SettingsError::Token { account });
        }
        match &self.mode {
            Mode::Webhook { secret_token }
                if !(1..=256).contains(&secret_token.expose().len()) || !is_key(secret_token.expose()) =>
            {
                Err(SettingsError::SecretToken { account })
            }
            Mode::Webhook { .. } | Mode::Polling => Ok(()),
        }
    }
}

/// Segments of a path that URLs resolve away.
fn is_dots(account: &str) -> bool {
    matches!(account, "." | "..")
}

fn base_url(setting: &'static str, url: &str) -> Result<Url, SettingsError> {
    let parsed = Url::parse(url).ok();
    parsed
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or(SettingsError::Url { setting })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn bot(account: &str, token: &str) -> Bot {
        Bot { account: account.into(), token: Secret::new(token).unwrap(), mode: Mode::Polling }
    }

    fn settings(bots: Vec<Bot>) -> Settings {
        Settings::new("https://hooks.example", Secret::new("sixteen bytes or").unwrap(), bots)
    }

    fn webhook(secret_token: &str) -> Bot {
        let mode = Mode::Webhook { secret_token: Secret::new(secret_token).unwrap() };
        Bot { mode, ..bot("a", "1:x") }
    }

    #[test]
    fn good_settings_are_good() {
        assert_eq!(settings(vec![bot("support_bot", "1:aB-_9"), bot("b", "2:x")]).check(), Ok(()));
        assert_eq!(settings(vec![webhook("s3cret_-")]).check(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |change: fn(&mut Settings)| {
            let mut settings = settings(vec![bot("a", "1:x")]);
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(wrong(|it| it.api = "ftp://x".into()).starts_with("api:"));
        assert!(wrong(|it| it.public_url = "https://x/?q".into()).starts_with("public_url:"));
        assert!(wrong(|it| it.file_secret = Secret::new("short").unwrap()).starts_with("file_secret:"));
        assert!(wrong(|it| it.poll_timeout = Duration::from_secs(51)).starts_with("poll_timeout:"));
        assert!(wrong(|it| it.bots.clear()).starts_with("bots:"));
        assert!(wrong(|it| it.bots.push(bot("a", "2:x"))).contains("twice"));
        assert!(wrong(|it| it.bots.push(bot("b", "1:x"))).contains("twice"));
        assert!(wrong(|it| it.bots = vec![bot("a/b", "1:x")]).contains("account"));
        assert!(wrong(|it| it.bots = vec![webhook("not one!")]).contains("secret_token"));
        let plain = |it: &mut Settings| {
            it.public_url = "http://x".into();
            it.bots = vec![webhook("s")];
        };
        assert!(wrong(plain).contains("https"));
    }

    #[test]
    fn a_wrong_token_is_not_shown() {
        for token in ["sesame", "x:y", "1:a/b", "1:", "1:a?b"] {
            let said = settings(vec![bot("a", token)]).check().unwrap_err().to_string();
            assert!(said.contains("token") && !said.contains(token), "{said}");
        }
        let printed = format!("{:?}", settings(vec![bot("a", "1:sesame"), webhook("hunter2")]));
        assert!(!printed.contains("sesame") && !printed.contains("hunter2") && !printed.contains("sixteen"));
    }
}
