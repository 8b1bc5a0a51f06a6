//! Ids in frames: a JSON number or a string, which may be a UUID.

use causeway_proto::id::{self, Given};

use super::{Object, required};
use crate::{command::MessageId, fault::Fault};

/// Ids of messages and notifications are below this, so that JavaScript reads them exactly.
const END: u64 = 1 << 53;

impl Object<'_> {
    /// The id of a user or a conversation as text, or none. Whether there is such a one is for the service to
    /// say.
    pub(in crate::dialect) fn id(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(given) = self.given_id(name)? else { return Ok(None) };
        id::read(&given).map_err(|problem| Fault::field(name, &problem.to_string()))?;
        Ok(Some(given))
    }

    /// The id of a message or a notification; 0 when it cannot be one.
    pub(in crate::dialect) fn message_id(&self, name: &str) -> Result<MessageId, Fault> {
        self.optional_message_id(name)?.ok_or_else(|| required(name))
    }

    /// The id of a message or a notification, or none; 0 when it cannot be one.
    pub(in crate::dialect) fn optional_message_id(&self, name: &str) -> Result<Option<MessageId>, Fault> {
        Ok(self.given_id(name)?.map(|given| number(&given)))
    }

    /// An id as it stands in the frame.
    pub(in crate::dialect) fn given_id(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.get(name) {
            Some(text) if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
                Ok(Some(text.to_owned()))
            }
            Some(_) => self.string(name).map_err(|_| Fault::field(name, "must be a number or a string")),
            None => Ok(None),
        }
    }
}

fn number(given: &str) -> u64 {
    match id::read(given) {
        Ok(Given::Canonical(id)) => id::as_number(&id).filter(|number| *number < END).unwrap_or(0),
        Ok(Given::Hashed(_)) | Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_id(value: &str) -> Result<u64, Fault> {
        Object::read(&format!("{{\"message_id\":{value}}}"))?.message_id("message_id")
    }

    #[test]
    fn a_message_id_is_a_number_a_string_or_a_uuid() {
        for value in ["5", "\"5\"", "\"00000000-0000-8000-8000-000000000005\""] {
            assert_eq!(message_id(value), Ok(5), "{value}");
        }
        assert_eq!(message_id("9007199254740991"), Ok(END - 1));
    }

    #[test]
    fn what_cannot_be_a_message_id_is_found_nowhere() {
        for value in
            ["0", "-1", "1.5", "1e3", "9007199254740992", "1e400", "\"\"", "\"x\"", "\"05\"", "\" 5\""]
        {
            assert_eq!(message_id(value), Ok(0), "{value}");
        }
        let foreign = "\"6f9619ff-8b86-4011-b42d-00c04fc964ff\"";
        assert_eq!(message_id(foreign), Ok(0));
    }

    #[test]
    fn another_type_is_told_by_the_fields_name() {
        for value in ["true", "{}", "[5]"] {
            assert_eq!(message_id(value), Err(Fault::field("message_id", "must be a number or a string")));
        }
        assert_eq!(message_id("null"), Err(Fault::field("message_id", "is required")));
    }

    #[test]
    fn an_id_of_a_user_keeps_its_form() {
        let id =
            |value: &str| Object::read(&format!("{{\"to\":{value}}}")).and_then(|object| object.id("to"));
        assert_eq!(id("12"), Ok(Some("12".to_owned())));
        assert_eq!(id("\"alice\""), Ok(Some("alice".to_owned())));
        assert_eq!(id("null"), Ok(None));
        assert_eq!(id("\"\""), Err(Fault::field("to", "must not be empty")));
    }
}
