//! A configuration file: its values, and the line that each key stands on.

use std::path::{Path, PathBuf};

use figment::{
    providers::{Format, Toml},
    value::Dict,
};
use toml_edit::{ImDocument, Item};

use crate::problem::ConfigError;

/// A file that was read.
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) values: Dict,
    document: ImDocument<String>,
}

impl ConfigFile {
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        Self::parse(path, text)
    }

    pub(crate) fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        let syntax = |line, message: &str| ConfigError::Syntax {
            path: path.to_owned(),
            line,
            message: message.lines().collect::<Vec<_>>().join(", "),
        };
        let values = Toml::from_str(&text).map_err(|error| syntax(1, error.message()));
        let document = ImDocument::parse(text.clone()).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            syntax(line_at(&text, at), error.message())
        })?;
        Ok(Self { path: path.to_owned(), values: values?, document })
    }

    /// The line, from 1, on which a key or the item of a list stands.
    pub(crate) fn line_of(&self, path: &[String]) -> Option<usize> {
        let mut item: &Item = self.document.as_item();
        let mut at = None;
        for part in path {
            let (next, span) = match part.parse::<usize>() {
                Ok(index) if !item.is_table_like() => (item.get(index)?, None),
                _ => {
                    let (key, next) = item.as_table_like()?.get_key_value(part)?;
                    (next, key.span())
                }
            };
            at = span.or_else(|| next.span()).or(at);
            item = next;
        }
        at.map(|span| line_at(self.document.raw(), span.start))
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"data_dir = "here"
[bridge]
origins = [
  "https://a.example",
]
rate.burst = 5

[[auth.keys]]
algorithm = "HS256"

[[auth.keys]]
secret = "s"
"#;

    fn line(path: &[&str]) -> Option<usize> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        ConfigFile::parse(Path::new("t.toml"), TEXT.to_owned()).unwrap().line_of(&path)
    }

    #[test]
    fn every_key_is_found_on_its_line() {
        assert_eq!(line(&["data_dir"]), Some(1));
        assert_eq!(line(&["bridge", "origins"]), Some(3));
        assert_eq!(line(&["bridge", "rate", "burst"]), Some(6));
        assert_eq!(line(&["auth", "keys", "0", "algorithm"]), Some(9));
        assert_eq!(line(&["auth", "keys", "1", "secret"]), Some(12));
        assert_eq!(line(&["admin"]), None);
    }

    #[test]
    fn what_is_not_toml_says_where() {
        let error = ConfigFile::parse(Path::new("t.toml"), "a = 1\nb = = 2\n".to_owned()).err().unwrap();
        assert!(error.to_string().starts_with("t.toml:2: not TOML: "), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
