//! Settings of a PostgreSQL table.

use std::{path::PathBuf, time::Duration};

use super::{Key, Publishing, Secret, Target, WrongSetting, ensure};

/// Longest identifier of PostgreSQL, in bytes; it cuts longer ones without a word.
const IDENTIFIER: usize = 63;
/// Most rows that are read at once.
const MAX_PAGE: u32 = 1_000;

/// A table whose rows are notices. See [`crate`] for the trigger that tells of changes.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name here: 1 to 64 of A-Z, a-z, 0-9, "-", "_" and ".".
    pub name: String,
    /// How the database is reached, in one of libpq's forms: `host=… user=… password=… dbname=…` or `postgres://…`.
    ///
    /// With `sslmode=require` the connection is encrypted, and the server's certificate must be good for its name; otherwise it
    /// is plain, which is for this machine and for networks of one's own.
    pub connection: Option<Secret>,
    /// Certificates (PEM) that the server's must come from; `None`: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// The table, with its schema when that is not on the search path: `communication_notice`, `app.notice`.
    pub table: String,
    /// The channel that tells of changes.
    pub channel: String,
    /// What its columns are called.
    pub columns: Columns,
    /// Whom rows are for that do not say it themselves.
    pub to: Option<Target>,
    /// How far back to look at the start, for what was missed while nobody listened.
    pub catch_up: Duration,
    /// How far before the newest row that was seen to look again. Longer than any transaction that writes notices takes from
    /// setting `updated_at` to its commit.
    pub overlap: Duration,
    /// How often to look whether something was missed although somebody listened.
    pub every: Duration,
    /// Rows that are read at once, 1 to 1 000.
    pub page: u32,
    /// How long connecting, or one query, may take.
    pub timeout: Duration,
    /// How its rows are published.
    pub publishing: Publishing,
}

/// What columns are called. Of those that are optional, only those are read that the table has; an empty name is none.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The notice's id, unique.
    pub id: String,
    /// The title.
    pub title: String,
    /// Whether it is to be seen: boolean.
    pub is_published: String,
    /// When the row last changed: a timestamp, with or without a time zone. Rows where it is null are not caught up with.
    pub updated_at: String,
    /// The text. Optional.
    pub message: String,
    /// Whom it is for, as a user's id. Optional.
    pub user_id: String,
    /// Whom it is for, as an audience. Optional; counts where no user is named.
    pub audience: String,
    /// Whom it is for, as a college's id. Optional; counts where neither of the above is named.
    pub college_id: String,
    /// The notification's type. Optional.
    pub notification_type: String,
    /// A link. Optional.
    pub url: String,
    /// Who wrote it. Optional.
    pub author: String,
    /// A JSON object of at most 8 KiB that goes along. Optional; one that is not is as good as null.
    pub data: String,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            id: "id".to_owned(),
            title: "title".to_owned(),
            is_published: "is_published".to_owned(),
            updated_at: "updated_at".to_owned(),
            message: "message".to_owned(),
            user_id: "user_id".to_owned(),
            audience: "audience".to_owned(),
            college_id: "college_id".to_owned(),
            notification_type: "notification_type".to_owned(),
            url: "url".to_owned(),
            author: "author".to_owned(),
            data: "data".to_owned(),
        }
    }
}

impl Table {
    /// The table `notice` in a database that is reached so, with everything else as it is by default.
    pub fn new(name: impl Into<String>, connection: Option<Secret>) -> Self {
        Self {
            name: name.into(),
            connection,
            ca_file: None,
            table: "notice".to_owned(),
            channel: "causeway_notices".to_owned(),
            columns: Columns::default(),
            to: None,
            catch_up: Duration::from_secs(7 * 24 * 60 * 60),
            overlap: Duration::from_secs(5 * 60),
            every: Duration::from_secs(60),
            page: 100,
            timeout: Duration::from_secs(30),
            publishing: Publishing::default(),
        }
    }

    pub(super) fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        let Some(connection) = &self.connection else {
            return ensure(false, key.of("connection"), "is required");
        };
        let is_read = connection.expose().parse::<tokio_postgres::Config>();
        // What cannot be read of it may be the password.
        let names_host = |config: tokio_postgres::Config| {
            !config.get_hosts().is_empty() || !config.get_hostaddrs().is_empty()
        };
        let is_usable = is_read.is_ok_and(names_host);
        ensure(
            is_usable,
            key.of("connection"),
            "must be a connection string of PostgreSQL that names a host",
        )?;
        let mut names = self.table.split('.');
        let is_table = names.by_ref().take(2).all(is_identifier) && names.next().is_none();
        ensure(
            is_table,
            key.of("table"),
            "must be a table's name, or a schema's and a table's with a dot between",
        )?;
        ensure(is_identifier(&self.channel), key.of("channel"), "must be 1 to 63 bytes")?;
        self.columns.check(key)?;
        ensure((1..=MAX_PAGE).contains(&self.page), key.of("page"), "must be 1 to 1000")?;
        ensure(!self.every.is_zero(), key.of("every"), "must be longer than nothing")?;
        ensure(!self.timeout.is_zero(), key.of("timeout"), "must be longer than nothing")?;
        if let Some(to) = &self.to {
            to.check(key)?;
        }
        self.publishing.check(key)
    }
}

impl Columns {
    /// Those that a table must have, with their setting's names.
    fn required(&self) -> [(&'static str, &str); 4] {
        [
            ("id", &self.id),
            ("title", &self.title),
            ("is_published", &self.is_published),
            ("updated_at", &self.updated_at),
        ]
    }

    /// Those that it may have.
    pub(crate) fn optional(&self) -> [(&'static str, &str); 8] {
        [
            ("message", &self.message),
            ("user_id", &self.user_id),
            ("audience", &self.audience),
            ("college_id", &self.college_id),
            ("notification_type", &self.notification_type),
            ("url", &self.url),
            ("author", &self.author),
            ("data", &self.data),
        ]
    }

    fn check(&self, key: &Key<'_>) -> Result<(), WrongSetting> {
        let required = self.required().into_iter();
        let optional = self.optional().into_iter().filter(|(_, name)| !name.is_empty());
        for (setting, name) in required.chain(optional) {
            let setting = key.of(&format!("columns.{setting}"));
            ensure(is_identifier(name), setting, "must be a column's name: 1 to 63 bytes")?;
        }
        Ok(())
    }
}

/// Whether PostgreSQL takes it as an identifier, in quotes.
fn is_identifier(name: &str) -> bool {
    (1..=IDENTIFIER).contains(&name.len()) && !name.contains('\0')
}
