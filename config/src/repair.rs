//! Changes in a tree of values, with which loading goes on after a problem so that it finds the next.

use figment::value::Value;

/// A path as people write keys: `auth.keys[0].secret`.
pub(crate) fn key_of(path: &[String]) -> String {
    path.iter().fold(String::new(), |key, part| {
        if part.parse::<usize>().is_ok() {
            format!("{key}[{part}]")
        } else if key.is_empty() {
            part.clone()
        } else {
            format!("{key}.{part}")
        }
    })
}

/// What stands at a path.
pub(crate) fn find<'a>(root: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(root, |value, part| match value {
        Value::Dict(_, dict) => dict.get(part),
        Value::Array(_, items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Puts a value where another stands.
pub(crate) fn replace(root: &mut Value, path: &[String], new: Value) {
    if let Some(value) = find_mut(root, path) {
        *value = new;
    }
}

/// Takes the flaw at `path` away: an unknown key goes, and of anything else the smallest part that the reference has
/// too becomes as it is there. False when nothing could be changed.
pub(crate) fn repair(root: &mut Value, path: &[String], unknown: bool, reference: &Value) -> bool {
    if unknown {
        return remove(root, path);
    }
    let mut default = reference;
    for depth in 0..path.len() {
        let Value::Dict(_, dict) = default else { return put(root, &path[..depth], default) };
        match dict.get(&path[depth]) {
            Some(next) => default = next,
            None => return remove(root, &path[..=depth]),
        }
    }
    put(root, path, default)
}

fn put(root: &mut Value, path: &[String], default: &Value) -> bool {
    match find_mut(root, path) {
        Some(value) if value != default => {
            *value = default.clone();
            true
        }
        _ => false,
    }
}

fn remove(root: &mut Value, path: &[String]) -> bool {
    let Some((last, parent)) = path.split_last() else { return false };
    match find_mut(root, parent) {
        Some(Value::Dict(_, dict)) => dict.remove(last).is_some(),
        _ => false,
    }
}

fn find_mut<'a>(root: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, part| match value {
        Value::Dict(_, dict) => dict.get_mut(part),
        Value::Array(_, items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}
