//! Where values come from: the compiled-in reference, a file, the environment, flags.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What a load reads. Nothing else is looked at, so that a test sets its own.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file, when there is one.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `CAUSEWAY_` are passed over.
    pub environment: Vec<(String, String)>,
    /// Values that flags of the command gave.
    pub flags: Vec<Flag>,
}

/// A value that a flag gave.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As it was typed, for example `--listen`.
    pub name: &'static str,
    /// The key that it sets, for example `bridge.listen`.
    pub key: &'static str,
    /// Its value, written as in the environment.
    pub value: String,
}

impl Sources {
    /// The sources of this process: its environment, the file that was found (see `find_file`), and `flags`.
    pub fn of_process(given: Option<&Path>, data_dir: &Path, flags: Vec<Flag>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
            })
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        Self { file: find_file(given, data_dir), environment, flags }
    }
}

/// Before every variable's name.
pub(crate) const PREFIX: &str = "CAUSEWAY_";

/// The one key outside every section. Any other variable without `__` is no key: it stands for a flag of the command, or
/// belongs to a script around it.
const DATA_DIR: &str = "DATA_DIR";

/// The file that was `given` (it must exist), else `./causeway.toml`, else `causeway.toml` in the data directory, where
/// there is one.
fn find_file(given: Option<&Path>, data_dir: &Path) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.to_owned());
    }
    let name = "causeway.toml";
    [PathBuf::from(name), data_dir.join(name)].into_iter().find(|path| path.is_file())
}

/// The key that a variable sets, for example `bridge.listen`; `None` when it sets none.
pub(crate) fn key_of_variable(name: &str) -> Option<String> {
    let key = name.strip_prefix(PREFIX).filter(|key| key.contains("__") || *key == DATA_DIR)?;
    Some(key.to_ascii_lowercase().replace("__", "."))
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The compiled-in reference.
    Default,
    /// A file, and the line in it when that is known.
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: Option<usize>,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_its_key() {
        let key = key_of_variable("CAUSEWAY_BRIDGE__RATE__FRAMES_PER_SECOND");
        assert_eq!(key.as_deref(), Some("bridge.rate.frames_per_second"));
        assert_eq!(key_of_variable("CAUSEWAY_DATA_DIR").as_deref(), Some("data_dir"));
        assert_eq!(key_of_variable("CAUSEWAY_CONFIG"), None);
        assert_eq!(key_of_variable("CAUSEWAY_BUILD"), None);
        assert_eq!(key_of_variable("PATH"), None);
    }

    #[test]
    fn a_file_that_was_given_wins_over_one_that_is_there() {
        let found = find_file(Some(Path::new("mine.toml")), Path::new("/nonexistent"));
        assert_eq!(found, Some(PathBuf::from("mine.toml")));
        assert_eq!(find_file(None, Path::new("/nonexistent")), None);
    }
}
