//! What the plugin needs to be told, in plain types.

use std::{collections::HashSet, time::Duration};

pub use causeway_plugin_sdk::Secret;

/// Longest name of an account, in characters.
const NAME: usize = 128;

/// Settings of the plugin.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the Graph API is, without a version.
    pub api: String,
    /// The version of the Graph API that is spoken, for example "v23.0".
    pub version: String,
    /// The accounts that it serves, all subscribed by one app; at least one.
    pub accounts: Vec<Account>,
    /// The app's secret, with which Meta signs webhooks. The plugin does not start without it.
    pub app_secret: Option<Secret>,
    /// What Meta must say when it asks whether the webhook is ours; free to choose. The plugin does not start without it.
    pub verify_token: Option<Secret>,
    /// How long to wait for an answer of the API.
    pub request_timeout: Duration,
    /// How long a customer's name and picture hold before they are asked for again.
    pub profile_cache: Duration,
    /// How often each account's access token is tried. Deliveries wait as long when one is refused.
    pub check_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api: "https://graph.instagram.com".to_owned(),
            version: "v23.0".to_owned(),
            accounts: Vec::new(),
            app_secret: None,
            verify_token: None,
            request_timeout: Duration::from_secs(15),
            profile_cache: Duration::from_secs(24 * 60 * 60),
            check_every: Duration::from_secs(5 * 60),
        }
    }
}

/// An Instagram professional account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Our name for it, which must not change later: 1 to 128 characters.
    pub account: String,
    /// The account's id at Instagram, in digits: `user_id` of `GET /me`, and the `entry.id` of webhooks.
    pub instagram_id: String,
    /// An Instagram User access token with `instagram_business_manage_messages`.
    pub access_token: Secret,
    /// The id of our app, by which echoes of our own messages are known.
    pub app_id: Option<String>,
    /// Whether Meta has given the app the Human Agent feature: support people may then answer for seven days.
    pub human_agent: bool,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct WrongSetting {
    /// Which, for example `accounts[0].instagram_id`.
    pub setting: String,
    /// What is wrong with it; never its value.
    pub problem: &'static str,
}

impl Settings {
    /// Whether the plugin can work with these. Fails at the first setting that cannot be used.
    pub fn check(&self) -> Result<(), WrongSetting> {
        if !is_http(&self.api) {
            return Err(wrong_api());
        }
        ensure(
            is_version(&self.version),
            "version",
            "must be a version of the Graph API, such as \"v23.0\"",
        )?;
        ensure(self.app_secret.is_some(), "app_secret", "is required: webhooks are signed with it")?;
        ensure(self.verify_token.is_some(), "verify_token", "is required: Meta shows it to subscribe")?;
        ensure(!self.request_timeout.is_zero(), "request_timeout", "must be longer than nothing")?;
        ensure(!self.check_every.is_zero(), "check_every", "must be longer than nothing")?;
        ensure(!self.accounts.is_empty(), "accounts", "must name at least one account")?;
        let (mut names, mut ids) = (HashSet::new(), HashSet::new());
        for (index, account) in self.accounts.iter().enumerate() {
            let key = |field| format!("accounts[{index}].{field}");
            account.check(key)?;
            ensure(names.insert(&account.account), key("account"), "is the name of another account too")?;
            ensure(
                ids.insert(&account.instagram_id),
                key("instagram_id"),
                "is the id of another account too",
            )?;
        }
        Ok(())
    }
}

impl Account {
    fn check(&self, key: impl Fn(&'static str) -> String) -> Result<(), WrongSetting> {
        let length = self.account.chars().count();
        ensure((1..=NAME).contains(&length), key("account"), "must be 1 to 128 characters")?;
        ensure(is_number(&self.instagram_id), key("instagram_id"), "must be digits")?;
        let app_id = self.app_id.as_deref();
        ensure(app_id.is_none_or(is_number), key("app_id"), "must be digits")
    }
}

pub(crate) fn wrong_api() -> WrongSetting {
    WrongSetting { setting: "api".to_owned(), problem: "must be an https or http URL" }
}

fn ensure(holds: bool, setting: impl Into<String>, problem: &'static str) -> Result<(), WrongSetting> {
    if holds { Ok(()) } else { Err(WrongSetting { setting: setting.into(), problem }) }
}

fn is_http(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_version(version: &str) -> bool {
    let parts = version.strip_prefix('v').and_then(|numbers| numbers.split_once('.'));
    parts.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn is_number(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, id: &str) -> Account {
        Account {
            account: name.to_owned(),
            instagram_id: id.to_owned(),
            access_token: Secret::new("IGAA-hunter2").unwrap(),
            app_id: None,
            human_agent: false,
        }
    }

    fn settings() -> Settings {
        Settings {
            accounts: vec![account("shop", "17841400000000001")],
            app_secret: Secret::new("hunter2"),
            verify_token: Secret::new("hunter3"),
            ..Settings::default()
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(settings().check(), Ok(()));
        let wrong = |settings: Settings| settings.check().unwrap_err().setting;
        assert_eq!(wrong(Settings { app_secret: None, ..settings() }), "app_secret");
        assert_eq!(wrong(Settings { verify_token: Secret::new(""), ..settings() }), "verify_token");
        assert_eq!(wrong(Settings { api: "graph.instagram.com".into(), ..settings() }), "api");
        assert_eq!(wrong(Settings { version: "23".into(), ..settings() }), "version");
        assert_eq!(wrong(Settings { accounts: vec![], ..settings() }), "accounts");
        let accounts = |accounts| wrong(Settings { accounts, ..settings() });
        assert_eq!(accounts(vec![account("", "1")]), "accounts[0].account");
        assert_eq!(accounts(vec![account("a", "me")]), "accounts[0].instagram_id");
        assert_eq!(accounts(vec![account("a", "1"), account("a", "2")]), "accounts[1].account");
        assert_eq!(accounts(vec![account("a", "1"), account("b", "1")]), "accounts[1].instagram_id");
    }

    #[test]
    fn settings_print_without_their_secrets() {
        let printed = format!("{:?}", settings());
        assert!(!printed.contains("hunter"), "{printed}");
    }
}
