//! What a section of the settings is: a struct that knows its name and checks itself.

/// A section.
///
/// To add another: a struct with `#[serde(deny_unknown_fields)]` in a file of its name, its keys with their defaults and
/// explanations in `default.toml`, and a line in `Settings`.
pub trait Section {
    /// Its name in files, as `services.chat`.
    const NAME: &'static str;

    /// Checks what types alone cannot. Fails with the first key at fault.
    fn validate(&self) -> Result<(), Invalid>;
}

/// A value that has the right type and is wrong nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key, relative to whoever says so.
    pub key: String,
    /// What is wrong, without the value when that may be a secret.
    pub problem: String,
    /// What is allowed.
    pub allowed: String,
}

impl Invalid {
    /// A problem of one key.
    pub fn new(key: impl Into<String>, problem: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into(), allowed: allowed.into() }
    }

    /// The same problem as seen from outside of `section`.
    #[must_use]
    pub fn within(mut self, section: &str) -> Self {
        self.key = format!("{section}.{}", self.key);
        self
    }
}

/// Fails unless `value` lies in the range, both ends included.
pub(crate) fn between<T: PartialOrd + std::fmt::Debug>(
    key: &str,
    value: T,
    least: T,
    most: T,
) -> Result<(), Invalid> {
    if value >= least && value <= most {
        return Ok(());
    }
    let problem = if value < least { "is too small" } else { "is too large" };
    Err(Invalid::new(key, format!("{value:?} {problem}"), format!("{least:?} to {most:?}")))
}
