//! Ids as they come in, and the canonical ids that they stand for.
//!
//! A number in its UUID form is read without the store; a name was hashed into its UUID and has to be looked up.

use causeway_kit::{Error, store::Reader};
use causeway_proto::id::{self, Given};

/// The id in `field`, which must be given.
pub(crate) fn read(field: &'static str, given: &str) -> Result<Given, Error> {
    id::read(given).map_err(|invalid| Error::invalid(field, invalid.to_string()))
}

/// The id in `field`; `None` when it is empty.
pub(crate) fn read_optional(field: &'static str, given: &str) -> Result<Option<Given>, Error> {
    if given.is_empty() { Ok(None) } else { read(field, given).map(Some) }
}

/// The ids in a repeated `field`, at most `max` of them.
pub(crate) fn read_all(field: &'static str, given: &[String], max: usize) -> Result<Vec<Given>, Error> {
    if given.len() > max {
        return Err(Error::invalid(field, format!("must not have more than {max} entries")));
    }
    let read = |(at, given): (usize, &String)| {
        id::read(given).map_err(|invalid| Error::invalid(format!("{field}[{at}]"), invalid.to_string()))
    };
    given.iter().enumerate().map(read).collect()
}

/// The canonical id of a user. It need not exist.
pub(crate) fn user(reader: &Reader<'_>, given: &Given) -> Result<String, Error> {
    resolve(reader, given, "SELECT id FROM user WHERE uuid = ?1")
}

/// The canonical ids of users, each once, in the order given.
pub(crate) fn users(reader: &Reader<'_>, given: &[Given]) -> Result<Vec<String>, Error> {
    let mut ids = Vec::with_capacity(given.len());
    let mut seen = std::collections::HashSet::with_capacity(given.len());
    for given in given {
        let id = user(reader, given)?;
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The canonical id of a conversation. It need not exist.
pub(crate) fn conversation(reader: &Reader<'_>, given: &Given) -> Result<String, Error> {
    resolve(reader, given, "SELECT id FROM conversation WHERE uuid = ?1")
}

fn resolve(reader: &Reader<'_>, given: &Given, sql: &'static str) -> Result<String, Error> {
    match given {
        Given::Canonical(id) => Ok(id.clone()),
        Given::Hashed(uuid) => {
            let found = reader.one(sql, [uuid.as_bytes().as_slice()], |row| row.get(0))?;
            Ok(found.unwrap_or_else(|| uuid.to_string()))
        }
    }
}

/// The UUID under which a canonical id is looked up; `None` for an id that its UUID form itself tells.
pub(crate) fn lookup_key(id: &str) -> Option<[u8; 16]> {
    let uuid = id::to_uuid(id);
    match id::read(&uuid.to_string()) {
        Ok(Given::Hashed(hashed)) if hashed.to_string() != id => Some(hashed.into_bytes()),
        Ok(Given::Hashed(_) | Given::Canonical(_)) | Err(_) => None,
    }
}

/// A message id as the store counts; `None` for a number that no message can have.
pub(crate) fn message(id: u64) -> Option<i64> {
    i64::try_from(id).ok().filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_looked_up() {
        assert_eq!(lookup_key("42"), None);
        assert_eq!(lookup_key("6f9619ff-8b86-4011-b42d-00c04fc964ff"), None);
        assert_eq!(lookup_key("alice"), Some(id::to_uuid("alice").into_bytes()));
        let hashed = id::to_uuid("alice").to_string();
        assert_eq!(lookup_key(&hashed), None, "somebody's id may look like another's hash");
    }

    #[test]
    fn a_wrong_id_in_a_list_is_named_by_its_place() {
        let wrong = read_all("user_ids", &["7".to_owned(), "a/b".to_owned()], 10);
        assert!(matches!(wrong, Err(Error::InvalidField { field, .. }) if field == "user_ids[1]"));
    }

    #[test]
    fn what_cannot_be_a_message_is_no_message() {
        assert_eq!((message(0), message(u64::MAX), message(7)), (None, None, Some(7)));
    }
}
