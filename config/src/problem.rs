//! What is wrong with a configuration, said in one line each: the key, its source, and what is allowed.

use std::{fmt, path::PathBuf};

use figment::{
    error::{Actual, Kind},
    value::Value,
};

use crate::{
    nearest::{nearest, nearest_key},
    provenance::toml,
    secret,
    source::Origin,
};

/// Why settings could not be loaded. No line of it contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: not TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Keys or values are wrong.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The whole key.
    pub key: String,
    /// Where its value came from.
    pub origin: Origin,
    /// What is wrong.
    pub problem: String,
    /// What is allowed, or the key that was probably meant.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}; {}", self.key, self.origin, self.problem, self.allowed)
    }
}

impl Problem {
    /// Says what serde found at `key`. `value` is what stands there, `known` are all keys of the reference.
    pub(crate) fn of_kind(
        kind: &Kind,
        key: String,
        origin: Origin,
        value: Option<&Value>,
        known: &[String],
    ) -> Self {
        let shown = shown(&key, value);
        let (problem, allowed) = match kind {
            Kind::UnknownField(field, expected) => {
                ("unknown key".to_owned(), meant(&key, field, expected, known))
            }
            Kind::UnknownVariant(given, expected) => {
                let meant = nearest(given, expected.iter().copied());
                let meant = meant.map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
                let words: Vec<String> = expected.iter().map(|word| format!("{word:?}")).collect();
                (format!("{shown} is not known{meant}"), format!("allowed: {}", words.join(", ")))
            }
            Kind::InvalidType(actual, expected) => {
                (format!("{} instead of what belongs here", kind_of(actual, &shown)), allowed(expected))
            }
            Kind::InvalidValue(_, expected) => (format!("{shown} is not understood"), allowed(expected)),
            Kind::InvalidLength(length, expected) => (format!("has {length} items"), allowed(expected)),
            Kind::MissingField(field) => (format!("{field:?} is missing"), "it must be given".to_owned()),
            Kind::Message(text) => (text.clone(), "see `causeway config show --reference`".to_owned()),
            Kind::DuplicateField(_)
            | Kind::ISizeOutOfRange(_)
            | Kind::USizeOutOfRange(_)
            | Kind::Unsupported(_)
            | Kind::UnsupportedKey(..) => (format!("{shown} cannot be used"), "another value".to_owned()),
        };
        Self { key, origin, problem, allowed }
    }
}

fn allowed(expected: &str) -> String {
    let words = match expected {
        "a string" | "a borrowed string" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "i32" | "i64" => "a whole number",
        "path string" => "a path in quotes",
        other if other.starts_with("struct ") => "a table of keys",
        other => other,
    };
    format!("allowed: {words}")
}

fn meant(key: &str, field: &str, expected: &[&str], known: &[String]) -> String {
    let section = key.strip_suffix(field).unwrap_or_default();
    if let Some(near) = nearest(field, expected.iter().copied()) {
        return format!("did you mean {section}{near}?");
    }
    if let Some(near) = nearest_key(key, known) {
        return format!("did you mean {near}?");
    }
    format!("allowed here: {}", expected.join(", "))
}

/// The value as it may be printed.
fn shown(key: &str, value: Option<&Value>) -> String {
    match value {
        _ if secret::is_secret(key) => "the value".to_owned(),
        Some(value) => toml(value),
        None => "the value".to_owned(),
    }
}

fn kind_of(actual: &Actual, shown: &str) -> String {
    let kind = match actual {
        Actual::Bool(_) => "a truth value",
        Actual::Unsigned(_) | Actual::Signed(_) => "a whole number",
        Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "text",
        Actual::Seq => return "a list".to_owned(),
        Actual::Map => return "a table".to_owned(),
        Actual::Unit
        | Actual::Option
        | Actual::NewtypeStruct
        | Actual::Enum
        | Actual::UnitVariant
        | Actual::NewtypeVariant
        | Actual::TupleVariant
        | Actual::StructVariant
        | Actual::Other(_) => "something",
    };
    format!("{shown} is {kind}")
}
