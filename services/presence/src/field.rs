//! Reads ids and names out of requests.

use causeway_kit::Error;
use causeway_proto::id::{self, Given};

/// Longest session or bridge id, in bytes.
const MAX_KEY: usize = 128;
/// Longest name that is kept, in bytes.
const MAX_NAME: usize = 512;

/// The id of a user or conversation in canonical form. The UUID of a string id stays as it is: it finds what
/// it stands for wherever ids are compared by their UUIDs.
pub(crate) fn id(field: &'static str, given: &str) -> Result<String, Error> {
    match id::read(given) {
        Ok(Given::Canonical(id)) => Ok(id),
        Ok(Given::Hashed(uuid)) => Ok(uuid.to_string()),
        Err(problem) => Err(Error::invalid(field, problem.to_string())),
    }
}

/// An id that means something to its bridge alone.
pub(crate) fn key(field: &'static str, given: &str) -> Result<(), Error> {
    match given.len() {
        0 => Err(Error::invalid(field, "must not be empty")),
        1..=MAX_KEY => Ok(()),
        _ => Err(Error::invalid(field, format!("must not be longer than {MAX_KEY} bytes"))),
    }
}

/// Cuts a name that is too long: no reason to refuse what it comes with.
pub(crate) fn name(mut given: String) -> String {
    given.truncate(given.floor_char_boundary(MAX_NAME));
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(name("é".repeat(400)).chars().count(), 256);
        assert_eq!(name(format!("a{}", "é".repeat(400))).len(), 511);
        assert_eq!(name("Alice".to_owned()), "Alice");
    }

    #[test]
    fn a_wrong_id_is_answered_with_its_field() {
        let error = id("user.user_id", "").map_err(|error| error.to_string());
        assert_eq!(error, Err("user.user_id: must not be empty".to_owned()));
        assert!(key("opened.session_id", &"x".repeat(MAX_KEY + 1)).is_err());
    }
}
