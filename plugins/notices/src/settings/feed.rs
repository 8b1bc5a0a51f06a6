//! Settings of a feed.

use std::{fmt, time::Duration};

use super::{Key, Publishing, Target, WrongSetting, ensure};

/// An RSS or Atom feed. Its entries are published when they appear, and are never retracted: feeds forget.
#[derive(Clone)]
pub struct Feed {
    /// Its name: 1 to 64 of A-Z, a-z, 0-9, "-", "_" and ".".
    pub name: String,
    /// Where it is, http or https. It may hold credentials: it is neither printed nor published.
    pub url: String,
    /// Whom its entries are for.
    pub to: Target,
    /// How often it is asked, unless it asks for patience. Not below `least_interval`.
    pub interval: Duration,
    /// How often any feed may be asked: a minute, for the feed's sake. Lower it for a feed of one's own.
    pub least_interval: Duration,
    /// Entries that were published before that time are left alone, so that a feed that is new here does not publish its
    /// archive. Entries without a date count as new.
    pub max_age: Duration,
    /// How long one answer may take.
    pub timeout: Duration,
    /// Whether the feed may lie at a private, loopback or link-local address. Off, so that a feed's owner cannot have us read
    /// from inside.
    pub allow_private_addresses: bool,
    /// How its entries are published.
    pub publishing: Publishing,
}

impl Feed {
    /// A feed with everything else as it is by default: asked every 5 minutes, for entries of the last 7 days.
    pub fn new(name: impl Into<String>, url: impl Into<String>, to: Target) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            to,
            interval: Duration::from_secs(5 * 60),
            least_interval: Duration::from_secs(60),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
            timeout: Duration::from_secs(30),
            allow_private_addresses: false,
            publishing: Publishing::default(),
        }
    }

    pub(super) fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        ensure(is_http(&self.url), key.of("url"), "must be an http or https URL")?;
        let least = self.least_interval.max(Duration::from_millis(1));
        ensure(self.interval >= least, key.of("interval"), &format!("must be at least {least:?}"))?;
        ensure(!self.timeout.is_zero(), key.of("timeout"), "must be longer than nothing")?;
        self.to.check(key)?;
        self.publishing.check(key)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("name", &self.name)
            .field("to", &self.to)
            .field("interval", &self.interval)
            .field("publishing", &self.publishing)
            .finish_non_exhaustive()
    }
}

fn is_http(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
