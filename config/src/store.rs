//! `[store]`: where chat, notification and presence keep what they keep.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{
    Secret,
    section::{Invalid, Section, between},
    value,
};

/// A PostgreSQL, when there is one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Where it is, credentials included; `None`: files in the data directory.
    #[serde(default)]
    pub url: Option<Secret>,
    /// Where the URL stands.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// A root certificate for it, in PEM; `None`: those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Connections of each service that read.
    pub readers: usize,
    /// How long start-up waits for it.
    #[serde(deserialize_with = "value::duration")]
    pub start_timeout: Duration,
}

impl StoreSettings {
    /// The URL, wherever it stands. Fails when it stands in a file that cannot be read.
    pub fn url(&self) -> Result<Option<Secret>, Invalid> {
        match (&self.url, &self.url_file) {
            (Some(_), Some(_)) => {
                Err(Invalid::new("url", "stands there twice", "either `url` or `url_file`"))
            }
            (Some(url), None) => Ok(Some(url.clone())),
            (None, Some(file)) => match Secret::in_file(file) {
                Ok(url) => Ok(Some(url)),
                Err(error) => {
                    let problem = format!("{} cannot be read: {error}", file.display());
                    Err(Invalid::new("url_file", problem, "a file with the URL and nothing else"))
                }
            },
            (None, None) => Ok(None),
        }
    }
}

impl Section for StoreSettings {
    const NAME: &'static str = "store";

    fn validate(&self) -> Result<(), Invalid> {
        let url = self.url()?;
        if url.is_some_and(|url| !is_postgres(url.expose())) {
            let key = if self.url.is_some() { "url" } else { "url_file" };
            let allowed = "\"postgres://USER:PASSWORD@HOST:PORT/DATABASE\"; without it, SQLite in data_dir";
            return Err(Invalid::new(key, "is not where a PostgreSQL can be", allowed));
        }
        between("readers", self.readers, 1, 1_000)?;
        between("start_timeout", self.start_timeout, Duration::ZERO, Duration::from_secs(3600))
    }
}

fn is_postgres(url: &str) -> bool {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(url: &str) -> StoreSettings {
        let url = Secret::new(url);
        StoreSettings {
            url,
            url_file: None,
            ca_file: None,
            readers: 8,
            start_timeout: Duration::from_secs(30),
        }
    }

    #[test]
    fn a_url_that_is_none_is_refused_and_not_repeated() {
        for url in ["hunter2", "mysql://u:hunter2@h/d", "postgres://", "postgres:///hunter2"] {
            let invalid = store(url).validate().unwrap_err();
            assert!(invalid.key == "url" && !format!("{invalid:?}").contains("hunter2"), "{invalid:?}");
        }
        store("postgresql://u:hunter2@h:5432/d?sslmode=require").validate().unwrap();
    }

    #[test]
    fn the_url_may_stand_in_a_file_but_not_twice() {
        let settings = StoreSettings { url_file: Some("/nowhere/store.url".into()), ..store("") };
        assert_eq!(settings.validate().unwrap_err().key, "url_file");
        let twice = StoreSettings { url_file: Some("store.url".into()), ..store("postgres://h/d") };
        assert_eq!(twice.validate().unwrap_err().problem, "stands there twice");
    }
}
