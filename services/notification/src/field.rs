//! Reads the fields of requests: ids, audiences, keys and what a notification says.

use causeway_kit::Error;
use causeway_proto::{
    id::{self, Given},
    notification::Content,
};

const MAX_AUDIENCES: usize = 100;
const MAX_AUDIENCE: usize = 100;
const MAX_KEY: usize = 200;
const MAX_NOTICE_ID: usize = 256;
const MAX_TITLE: usize = 200;
const MAX_MESSAGE: usize = 4_096;
const MAX_TYPE: usize = 64;
/// In bytes; all others are in characters.
const MAX_DATA: usize = 8 * 1_024;

/// What a notification is of that says no type.
const DEFAULT_TYPE: &str = "info";

/// A user's id.
pub(crate) fn user(field: &'static str, given: &str) -> Result<Given, Error> {
    id::read(given).map_err(|problem| Error::invalid(field, problem.to_string()))
}

/// An audience's name. Unlike an id it has one form only.
pub(crate) fn audience(field: &'static str, given: &str) -> Result<(), Error> {
    at_most(field, MAX_AUDIENCE, given)?;
    id::read(given).map(drop).map_err(|problem| Error::invalid(field, problem.to_string()))
}

/// The audiences that a user is in.
pub(crate) fn audiences(field: &'static str, given: &[String]) -> Result<(), Error> {
    if given.len() > MAX_AUDIENCES {
        return Err(Error::invalid(field, format!("must be at most {MAX_AUDIENCES}")));
    }
    given.iter().try_for_each(|name| audience(field, name))
}

/// An idempotency or collapse key; empty is none.
pub(crate) fn key(field: &'static str, given: String) -> Result<Option<String>, Error> {
    at_most(field, MAX_KEY, &given)?;
    Ok(if given.is_empty() { None } else { Some(given) })
}

/// A source's own id of a notice.
pub(crate) fn notice_id(field: &'static str, given: &str) -> Result<(), Error> {
    if given.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    at_most(field, MAX_NOTICE_ID, given)
}

/// What a notification says, with its type filled in.
pub(crate) fn content(given: Option<Content>) -> Result<Content, Error> {
    let Some(mut content) = given else { return Err(Error::invalid("content", "must be set")) };
    if content.title.is_empty() {
        return Err(Error::invalid("content.title", "must not be empty"));
    }
    at_most("content.title", MAX_TITLE, &content.title)?;
    at_most("content.message", MAX_MESSAGE, &content.message)?;
    at_most("content.notification_type", MAX_TYPE, &content.notification_type)?;
    data(&content.data)?;
    if content.notification_type.is_empty() {
        DEFAULT_TYPE.clone_into(&mut content.notification_type);
    }
    Ok(content)
}

/// Read as a whole, so that what is stored can be read by every client. It is kept as it was given.
fn data(given: &str) -> Result<(), Error> {
    let field = "content.data";
    if given.is_empty() {
        return Ok(());
    }
    if given.len() > MAX_DATA {
        return Err(Error::invalid(field, format!("must not be longer than {MAX_DATA} bytes")));
    }
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(given)
        .map(drop)
        .map_err(|_| Error::invalid(field, "must be a JSON object"))
}

fn at_most(field: &'static str, limit: usize, given: &str) -> Result<(), Error> {
    // Counting is needed only where bytes alone do not answer.
    if given.len() > limit && given.chars().count() > limit {
        return Err(Error::invalid(field, format!("must not be longer than {limit} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> Content {
        Content { title: title.into(), ..Content::default() }
    }

    fn refused(content: Content) -> String {
        self::content(Some(content)).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn limits_count_characters() {
        assert_eq!(refused(titled(&"é".repeat(200))), "");
        assert_eq!(
            refused(titled(&"é".repeat(201))),
            "content.title: must not be longer than 200 characters"
        );
        let message = "x".repeat(4_097);
        assert!(refused(Content { message, ..titled("t") }).starts_with("content.message:"));
        let notification_type = "x".repeat(65);
        assert!(
            refused(Content { notification_type, ..titled("t") }).starts_with("content.notification_type:")
        );
        assert!(key("collapse_key", "k".repeat(201)).is_err());
    }

    #[test]
    fn a_type_that_is_not_said_is_info() {
        let content = content(Some(titled("t"))).unwrap_or_default();
        assert_eq!(content.notification_type, "info");
    }

    #[test]
    fn data_is_an_object_of_8_kib_or_nothing() {
        for good in ["", "{}", r#" {"a":[1,{"b":null}]} "#] {
            assert_eq!(refused(Content { data: good.into(), ..titled("t") }), "", "{good}");
        }
        for bad in ["[]", "1", "null", "{", r#"{"a":"\ud800"}"#, "{} {}"] {
            let problem = refused(Content { data: bad.into(), ..titled("t") });
            assert_eq!(problem, "content.data: must be a JSON object", "{bad}");
        }
        let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_DATA));
        assert!(refused(Content { data, ..titled("t") }).starts_with("content.data:"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(
            self::content(None).err().map(|error| error.to_string()),
            Some("content: must be set".into())
        );
        assert_eq!(refused(titled("")), "content.title: must not be empty");
        assert!(audience("audience", "").is_err());
    }
}
