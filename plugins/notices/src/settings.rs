//! What a person decides: which sources there are, whom their notices are for, and how they read.

mod feed;
mod table;
mod webhook;

use std::collections::HashSet;

use causeway_plugin_sdk::proto::{
    id,
    plugin::{UserList, notice::To},
};

pub use causeway_plugin_sdk::Secret;

pub use self::{
    feed::Feed,
    table::{Columns, Table},
    webhook::Webhook,
};
use crate::template::Template;

/// Longest name of a source, in characters.
const NAME: usize = 64;
/// Longest audience, in characters.
const AUDIENCE: usize = 100;
/// Most users that one notice is for.
pub(crate) const MAX_USERS: usize = 10_000;
/// Longest notification type, in characters.
pub(crate) const TYPE: usize = 64;

/// Settings of the plugin: its sources. Each kind is off when its list is empty.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Signed webhooks, at `/notices/webhook/<name>` of the plugins' listener; the account is `webhook/<name>`.
    pub webhooks: Vec<Webhook>,
    /// RSS and Atom feeds; the account is `feed/<name>`.
    pub feeds: Vec<Feed>,
    /// PostgreSQL tables; the account is `postgres/<name>`.
    pub tables: Vec<Table>,
}

/// How a source's notices are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishing {
    /// Template of the title, which is cut to 200 characters. A title that comes out empty is "New Notice".
    ///
    /// A template is a text with fields in braces: `{id}`, `{title}`, `{message}`, `{url}`, `{author}` and `{source}`, the
    /// source's name. A field that a notice has not is empty; `{{` and `}}` are braces.
    pub title: String,
    /// Template of the message, which is cut to 4 096 characters.
    pub message: String,
    /// Template of the link of a notice that has none of its own, for example `/notices/{id}`. Empty: no link.
    pub url: String,
    /// The notification's type, 1 to 64 characters, of notices that say none.
    pub notification_type: String,
    /// Whether a published notice whose content changed is updated, and seen again.
    pub update_when_changed: bool,
    /// Whether a notice that is no longer published is taken back out of the lists.
    pub retract_when_unpublished: bool,
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            title: "New Notice".to_owned(),
            message: "{title}".to_owned(),
            url: String::new(),
            notification_type: "notice".to_owned(),
            update_when_changed: true,
            retract_when_unpublished: true,
        }
    }
}

/// Whom notices are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One user, by id.
    User(String),
    /// An audience, for example `staff`.
    Audience(String),
    /// A college: the audience `college:<id>`.
    College(String),
    /// Everybody who may connect.
    Everybody,
    /// Users by id, 1 to 10 000: a bulk message.
    Users(Vec<String>),
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct WrongSetting {
    /// Which, for example `feeds[0].interval`.
    pub setting: String,
    /// What is wrong with it; never a secret.
    pub problem: String,
}

impl Settings {
    /// Whether the plugin can work with these. Fails at the first setting that cannot be used.
    pub fn check(&self) -> Result<(), WrongSetting> {
        let sources = self.webhooks.len() + self.feeds.len() + self.tables.len();
        ensure(sources > 0, "notices", "must have at least one webhook, feed or table")?;
        distinct("webhooks", self.webhooks.iter().map(|webhook| webhook.name.as_str()))?;
        distinct("feeds", self.feeds.iter().map(|feed| feed.name.as_str()))?;
        distinct("tables", self.tables.iter().map(|table| table.name.as_str()))?;
        each("webhooks", &self.webhooks, Webhook::check)?;
        each("feeds", &self.feeds, Feed::check)?;
        each("tables", &self.tables, Table::check)
    }
}

impl Publishing {
    fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        let length = self.notification_type.chars().count();
        ensure((1..=TYPE).contains(&length), key.of("notification_type"), "must be 1 to 64 characters")?;
        for (setting, text) in [("title", &self.title), ("message", &self.message), ("url", &self.url)] {
            Template::parse(text)
                .map_err(|problem| WrongSetting { setting: key.of(setting), problem: problem.to_string() })?;
        }
        Ok(())
    }
}

impl Target {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        match self {
            Self::User(id) => id::read(id).err().map(|problem| problem.to_string()),
            Self::Audience(name) => audience_problem(name),
            Self::College(id) => audience_problem(id).or_else(|| audience_problem(&college(id))),
            Self::Everybody => None,
            Self::Users(ids) if !(1..=MAX_USERS).contains(&ids.len()) => {
                Some(format!("must name 1 to {MAX_USERS} users"))
            }
            Self::Users(ids) => {
                ids.iter().find_map(|id| id::read(id).err()).map(|problem| problem.to_string())
            }
        }
    }

    /// As the protocol has it.
    pub(crate) fn to_proto(&self) -> To {
        match self {
            Self::User(id) => To::UserId(id.clone()),
            Self::Audience(name) => To::Audience(name.clone()),
            Self::College(id) => To::Audience(college(id)),
            Self::Everybody => To::Everybody(true),
            Self::Users(ids) => To::Users(UserList { user_ids: ids.clone() }),
        }
    }

    fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        match self.problem() {
            None => Ok(()),
            Some(problem) => Err(WrongSetting { setting: key.of("to"), problem }),
        }
    }
}

fn college(id: &str) -> String {
    format!("college:{id}")
}

fn audience_problem(name: &str) -> Option<String> {
    if name.chars().count() > AUDIENCE {
        return Some(format!("must not be longer than {AUDIENCE} characters"));
    }
    id::read(name).err().map(|problem| problem.to_string())
}

/// Where a setting stands: `feeds[0]`.
struct Key<'a>(&'a str, usize);

impl Key<'_> {
    fn of(&self, field: &str) -> String {
        format!("{}[{}].{field}", self.0, self.1)
    }
}

fn each<T>(
    list: &str,
    items: &[T],
    check: impl Fn(&T, &Key<'_>) -> Result<(), WrongSetting>,
) -> Result<(), WrongSetting> {
    items.iter().enumerate().try_for_each(|(index, item)| check(item, &Key(list, index)))
}

/// Names stand in accounts and in paths, and stay: what was published is known by them.
fn distinct<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Result<(), WrongSetting> {
    let mut known = HashSet::new();
    for (index, name) in names.enumerate() {
        let key = || Key(list, index).of("name");
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = (1..=NAME).contains(&name.len()) && name.chars().all(allowed);
        ensure(fits, key(), "must be 1 to 64 of A-Z, a-z, 0-9, \"-\", \"_\" and \".\"")?;
        ensure(known.insert(name), key(), "is the name of another one too")?;
    }
    Ok(())
}

fn ensure(holds: bool, setting: impl Into<String>, problem: &str) -> Result<(), WrongSetting> {
    if holds { Ok(()) } else { Err(WrongSetting { setting: setting.into(), problem: problem.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings() -> Settings {
        let webhook = Webhook { secret: Secret::new("hunter2"), ..Webhook::new("backend") };
        let feed = Feed::new("news", "https://example.org/feed", Target::Everybody);
        let table = Table::new("django", Secret::new("host=localhost password=hunter2"));
        Settings { webhooks: vec![webhook], feeds: vec![feed], tables: vec![table] }
    }

    fn wrong(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = settings();
        change(&mut settings);
        settings.check().map_or_else(|wrong| wrong.setting, |()| "nothing".to_owned())
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(settings().check(), Ok(()));
        assert_eq!(wrong(|it| *it = Settings::default()), "notices");
        assert_eq!(wrong(|it| it.webhooks[0].name = "a/b".into()), "webhooks[0].name");
        assert_eq!(wrong(|it| it.webhooks[0].secret = None), "webhooks[0].secret");
        assert_eq!(wrong(|it| it.webhooks.push(Webhook::new("backend"))), "webhooks[1].name");
        assert_eq!(wrong(|it| it.feeds[0].url = "ftp://example.org".into()), "feeds[0].url");
        assert_eq!(wrong(|it| it.feeds[0].interval = Duration::from_secs(59)), "feeds[0].interval");
        assert_eq!(wrong(|it| it.feeds[0].to = Target::User(String::new())), "feeds[0].to");
        assert_eq!(wrong(|it| it.feeds[0].publishing.title = "{titel}".into()), "feeds[0].title");
        assert_eq!(
            wrong(|it| it.feeds[0].publishing.notification_type.clear()),
            "feeds[0].notification_type"
        );
        assert_eq!(wrong(|it| it.tables[0].connection = None), "tables[0].connection");
        assert_eq!(wrong(|it| it.tables[0].connection = Secret::new("host=")), "tables[0].connection");
        assert_eq!(wrong(|it| it.tables[0].table = "a.b.c".into()), "tables[0].table");
        assert_eq!(wrong(|it| it.tables[0].columns.id.clear()), "tables[0].columns.id");
        assert_eq!(wrong(|it| it.tables[0].channel = "x".repeat(64)), "tables[0].channel");
        assert_eq!(wrong(|it| it.tables[0].page = 0), "tables[0].page");
        assert_eq!(wrong(|it| it.tables[0].to = Some(Target::Users(vec![]))), "tables[0].to");
    }

    #[test]
    fn settings_print_without_their_secrets() {
        let mut settings = settings();
        settings.feeds[0].url = "https://user:hunter2@example.org/feed?key=hunter2".into();
        let printed = format!("{settings:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        settings.tables[0].connection = Secret::new("host=localhost password=hunter2 b");
        let wrong = settings.check().unwrap_err();
        assert!(!wrong.to_string().contains("hunter2"), "{wrong}");
    }
}
