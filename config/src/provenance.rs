//! Each value and where it came from, with secrets masked.

use std::{
    hash::{BuildHasher, RandomState},
    sync::OnceLock,
};

use figment::value::{Num, Value};

use crate::{repair::key_of, secret, source::Origin};

/// Every value in force.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// Sorted by key.
    pub entries: Vec<Entry>,
    /// The file that was read.
    pub file: Option<std::path::PathBuf>,
}

/// One value in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The whole key, as `bridge.rate.burst` or `auth.keys[0].algorithm`.
    pub key: String,
    /// The value as TOML has it; `"***"` in place of a secret.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
    /// Tells values apart, secrets too, without saying what they are.
    fingerprint: u64,
}

impl Entry {
    /// An entry of a value that is no secret.
    pub fn new(key: impl Into<String>, value: impl Into<String>, origin: Origin) -> Self {
        let value = value.into();
        Self { key: key.into(), fingerprint: fingerprint(&value), value, origin }
    }
}

/// Good within this process only.
fn fingerprint(value: &str) -> u64 {
    static STATE: OnceLock<RandomState> = OnceLock::new();
    STATE.get_or_init(RandomState::new).hash_one(value)
}

impl Provenance {
    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The keys whose values differ between the two, secrets included, and those that only one of them has.
    pub fn changed(&self, other: &Self) -> Vec<String> {
        let has = |there: &Self, entry: &Entry| {
            there.entry(&entry.key).is_some_and(|same| same.fingerprint == entry.fingerprint)
        };
        let gone = self.entries.iter().filter(|entry| other.entry(&entry.key).is_none());
        let new = other.entries.iter().filter(|entry| !has(self, entry));
        gone.chain(new).map(|entry| entry.key.clone()).collect()
    }

    /// Where a key's value came from, or the value that it is a part of.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        let mut key = key;
        loop {
            let within = |entry: &&Entry| {
                entry
                    .key
                    .strip_prefix(key)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if let Some(entry) = self.entries.iter().find(within) {
                return Some(&entry.origin);
            }
            key = &key[..key.rfind(['.', '['])?];
        }
    }
}

/// Lists the leaves of a tree of values.
pub(crate) fn list(root: &Value, origin: &dyn Fn(&Value, &[String]) -> Origin) -> Vec<Entry> {
    let mut entries = Vec::new();
    walk(root, &mut Vec::new(), &mut |value, path| {
        let key = key_of(path);
        let text = toml(value);
        let fingerprint = fingerprint(&text);
        let shown = if secret::is_secret(&key) { "\"***\"".to_owned() } else { text };
        entries.push(Entry { key, value: shown, origin: origin(value, path), fingerprint });
    });
    entries
}

/// Visits what is neither a table nor a list of tables.
fn walk(value: &Value, path: &mut Vec<String>, visit: &mut dyn FnMut(&Value, &[String])) {
    let children: Vec<(String, &Value)> = match value {
        Value::Dict(_, dict) => dict.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(_, items) if items.iter().any(|item| item.as_dict().is_some()) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => return visit(value, path),
    };
    for (part, value) in children {
        path.push(part);
        walk(value, path, visit);
        path.pop();
    }
}

/// A value as TOML has it.
pub(crate) fn toml(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Char(_, c) => format!("{:?}", c.to_string()),
        Value::Bool(_, yes) => yes.to_string(),
        Value::Num(_, number) => number_text(*number),
        Value::Empty(..) => "\"\"".to_owned(),
        Value::Dict(..) => "a table".to_owned(),
        Value::Array(_, items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn number_text(number: Num) -> String {
    let whole = number.to_i128().or_else(|| number.to_u128().and_then(|n| i128::try_from(n).ok()));
    match (whole, number.to_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => float.to_string(),
        (None, None) => String::new(),
    }
}
