//! The accounts, how each is, and what a person should do about it.

use std::time::{Duration, SystemTime};

use causeway_plugin_sdk::{Host, proto::plugin::AccountState};
use tokio::sync::Mutex;

use crate::{
    api::{Graph, Me},
    error::{ApiError, Kind},
    settings::Account,
};

/// How soon an account is looked at again that could not be reached.
const SOON: Duration = Duration::from_secs(30);

/// All configured accounts.
#[derive(Debug)]
pub(crate) struct Accounts {
    all: Vec<Watched>,
}

/// An account and its health.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) account: Account,
    /// Locked while it is reported too, so that reports come in the order in which things happened.
    health: Mutex<Health>,
}

/// What was last reported of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Health {
    state: AccountState,
    advice: String,
    limited_until: Option<SystemTime>,
}

impl Accounts {
    pub(crate) fn new(accounts: &[Account]) -> Self {
        let watched = |account: &Account| Watched { account: account.clone(), health: Mutex::default() };
        Self { all: accounts.iter().map(watched).collect() }
    }

    /// The account that we call so.
    pub(crate) fn named(&self, name: &str) -> Option<&Watched> {
        self.all.iter().find(|watched| watched.account.account == name)
    }

    /// The account that Instagram calls so.
    pub(crate) fn with_id(&self, instagram_id: &str) -> Option<&Watched> {
        self.all.iter().find(|watched| watched.account.instagram_id == instagram_id)
    }

    /// Tries every account's access token; how soon to do so again, at most `every` from now.
    pub(crate) async fn check(&self, graph: &Graph, host: &Host, every: Duration) -> Duration {
        let mut again = every;
        for watched in &self.all {
            again = again.min(watched.check(graph, host).await.unwrap_or(every));
        }
        again
    }
}

impl Watched {
    /// Tries the access token, unless a rate limit is in force; how soon to look again when there is a reason to.
    async fn check(&self, graph: &Graph, host: &Host) -> Option<Duration> {
        if let Some(left) = self.limited_for().await {
            return Some(left);
        }
        match graph.me(&self.account).await {
            Ok(me) if me.user_id == self.account.instagram_id => {
                // Messages may have come to their limit in the meantime.
                let left = self.limited_for().await;
                if left.is_none() {
                    self.works(host).await;
                }
                left
            }
            Ok(me) => {
                self.becomes(host, Health::of(AccountState::BadCredentials, whose(&me))).await;
                None
            }
            Err(error) => match error.kind {
                Kind::Credentials(_) | Kind::RateLimited(_) => {
                    self.failed(host, &error).await;
                    None
                }
                Kind::Temporary | Kind::Lost => {
                    let advice = format!("Nothing, if it passes: {}", error.text);
                    self.becomes(host, Health::of(AccountState::Reconnecting, advice)).await;
                    Some(SOON)
                }
                Kind::OutsideWindow | Kind::Unavailable | Kind::Refused => {
                    let advice = format!(
                        "Check the settings api and version, and the app's permissions: {}",
                        error.text
                    );
                    self.becomes(host, Health::of(AccountState::Reconnecting, advice)).await;
                    Some(SOON)
                }
            },
        }
    }

    /// A message was taken, or the token was found good.
    pub(crate) async fn works(&self, host: &Host) {
        self.becomes(host, Health::of(AccountState::Connected, String::new())).await;
    }

    /// A call failed: says so where that is about the account and not about the call.
    pub(crate) async fn failed(&self, host: &Host, error: &ApiError) {
        match error.kind {
            Kind::Credentials(subcode) => {
                let advice = new_token(subcode, &error.text);
                self.becomes(host, Health::of(AccountState::BadCredentials, advice)).await;
            }
            Kind::RateLimited(wait) => self.becomes(host, Health::limited(SystemTime::now() + wait)).await,
            Kind::OutsideWindow | Kind::Unavailable | Kind::Refused | Kind::Temporary | Kind::Lost => (),
        }
    }

    /// For how long Instagram takes no calls; `None` when it does.
    pub(crate) async fn limited_for(&self) -> Option<Duration> {
        let until = self.health.lock().await.limited_until?;
        until.duration_since(SystemTime::now()).ok()
    }

    async fn becomes(&self, host: &Host, new: Health) {
        let mut health = self.health.lock().await;
        if *health == new {
            return;
        }
        tracing::info!(account = %self.account.account, state = new.state.as_str_name(), advice = %new.advice, "account");
        host.account(&self.account.account, new.state, &new.advice).await;
        *health = new;
    }
}

impl Health {
    fn of(state: AccountState, advice: String) -> Self {
        Self { state, advice, limited_until: None }
    }

    fn limited(until: SystemTime) -> Self {
        let shown = jiff::Timestamp::try_from(until).map_or_else(|_| "later".to_owned(), to_the_second);
        let advice = format!("Nothing: rate limited until {shown}, and messages wait");
        Self { state: AccountState::Reconnecting, advice, limited_until: Some(until) }
    }
}

fn to_the_second(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What a person should do about a refused access token. Subcodes are those of the Graph API's "Handle Errors".
fn new_token(subcode: Option<i64>, text: &str) -> String {
    let what = match subcode {
        Some(463) => "The access token has expired",
        Some(467) => "The access token is not valid any more",
        Some(458) => "The app was removed from the account",
        Some(460) => "The account's password was changed",
        _ => "The access token is refused",
    };
    let remedy = "make a new one in the app's dashboard, set it as the account's access_token, and restart";
    format!("{what}: {remedy}. Instagram says: {text}")
}

fn whose(me: &Me) -> String {
    format!(
        "The access token is that of {} ({}): set that one's instagram_id, or the token of the account configured",
        if me.username.is_empty() { "another account" } else { &me.username },
        me.user_id
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_says_what_to_do() {
        assert!(
            new_token(Some(463), "Session has expired")
                .starts_with("The access token has expired: make a new")
        );
        let until = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_999);
        assert_eq!(
            Health::limited(until).advice,
            "Nothing: rate limited until 2026-01-01T00:00:00Z, and messages wait"
        );
        let me = Me { user_id: "7".into(), username: "other".into() };
        assert!(whose(&me).starts_with("The access token is that of other (7)"));
    }
}
