//! What the fields of requests may hold. The numbers are those that the `.proto` files state.

use std::borrow::Cow;

use causeway_kit::Error;
use causeway_proto::{chat::Attachment, topic::EVERYBODY};
use prost::Message;
use serde_json::{Map, Value};

/// Longest text of a message, in characters.
pub(crate) const CONTENT: usize = 16_384;
/// Longest name of a person, in characters.
pub(crate) const NAME: usize = 150;
/// Longest name of a conversation, in characters.
pub(crate) const CONVERSATION_NAME: usize = 200;
/// Longest name of a file, and longest media type, in characters.
pub(crate) const FILE_NAME: usize = 255;
pub(crate) const MIME_TYPE: usize = 127;
/// Most users named in one request.
pub(crate) const USERS: usize = 1_000;
/// Most audiences that a user is in, and longest audience id in characters.
pub(crate) const AUDIENCES: usize = 100;

/// Most bytes in a list that is answered: it stays well below what a gRPC client takes by default, 4 MiB.
pub(crate) const ANSWER_BYTES: usize = 2 << 20;

const URL: usize = 2_048;
const ATTACHMENTS: usize = 10;
const METADATA_BYTES: usize = 8 << 10;
const CONTENT_TYPES: [&str; 5] = ["text", "image", "video", "audio", "file"];

/// A text of at most `max` characters.
pub(crate) fn text(field: impl Into<Cow<'static, str>>, value: &str, max: usize) -> Result<(), Error> {
    // A character is at least a byte, so most texts need no counting.
    if value.len() > max && value.chars().count() > max {
        return Err(Error::invalid(field, format!("must not be longer than {max} characters")));
    }
    Ok(())
}

/// A text of 1 to `max` characters.
pub(crate) fn filled(field: &'static str, value: &str, max: usize) -> Result<(), Error> {
    if value.is_empty() { Err(Error::invalid(field, "must not be empty")) } else { text(field, value, max) }
}

/// How many entries a page of messages or conversations has: 0 means 50, and there are never more than 100.
pub(crate) fn page(limit: u32) -> u32 {
    if limit == 0 { 50 } else { limit.min(100) }
}

/// How many entries a page of users or audiences has: 0 means 50, and there are never more than 1 000.
pub(crate) fn directory_page(limit: u32) -> u32 {
    if limit == 0 { 50 } else { limit.min(1_000) }
}

/// As much of a list as fits into one answer, and at least its first entry.
pub(crate) fn fitting<M: Message>(list: Vec<M>) -> impl Iterator<Item = M> {
    let mut bytes = 0;
    list.into_iter().enumerate().map_while(move |(at, entry)| {
        bytes += entry.encoded_len();
        (at == 0 || bytes <= ANSWER_BYTES).then_some(entry)
    })
}

/// The first `limit` of the entries found, or fewer so that they fit into one answer, and whether that leaves any out.
pub(crate) fn cut<M: Message>(found: Vec<M>, limit: u32) -> (Vec<M>, bool) {
    let all = found.len();
    let kept: Vec<M> = fitting(found).take(usize::try_from(limit).unwrap_or(all)).collect();
    let has_more = kept.len() < all;
    (kept, has_more)
}

/// The kind of a message's content; empty means text.
pub(crate) fn content_type(value: String) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(CONTENT_TYPES[0].to_owned());
    }
    if CONTENT_TYPES.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(Error::invalid("content_type", "must be \"text\", \"image\", \"video\", \"audio\" or \"file\""))
}

/// A JSON object as text; an empty one becomes an empty text.
pub(crate) fn metadata(value: String) -> Result<String, Error> {
    if value.is_empty() {
        return Ok(value);
    }
    if value.len() > METADATA_BYTES {
        return Err(Error::invalid("metadata", format!("must not be longer than {METADATA_BYTES} bytes")));
    }
    // Read in full, so that whoever reads it later meets neither bad escapes nor endless nesting.
    let object: Map<String, Value> =
        serde_json::from_str(&value).map_err(|_| Error::invalid("metadata", "must be a JSON object"))?;
    Ok(if object.is_empty() { String::new() } else { value })
}

/// The files beside a message.
pub(crate) fn attachments(list: &[Attachment], allow_http: bool) -> Result<(), Error> {
    if list.len() > ATTACHMENTS {
        return Err(Error::invalid("attachments", format!("must not have more than {ATTACHMENTS} entries")));
    }
    for (at, attachment) in list.iter().enumerate() {
        url(format!("attachments[{at}].url"), &attachment.url, allow_http)?;
        text(format!("attachments[{at}].name"), &attachment.name, FILE_NAME)?;
        text(format!("attachments[{at}].mime_type"), &attachment.mime_type, MIME_TYPE)?;
    }
    Ok(())
}

/// The address of a file, which is shown and never fetched.
pub(crate) fn url(field: impl Into<Cow<'static, str>>, value: &str, allow_http: bool) -> Result<(), Error> {
    let field = field.into();
    text(field.clone(), value, URL)?;
    let after = |scheme: &str| {
        let (start, rest) = value.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after("https://").or_else(|| after("http://").filter(|_| allow_http));
    let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':', '@']));
    if !has_host || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let wanted = if allow_http { "must be an https or http URL" } else { "must be an https URL" };
        return Err(Error::invalid(field, wanted));
    }
    Ok(())
}

/// The id of an audience.
pub(crate) fn audience(field: &'static str, value: &str) -> Result<(), Error> {
    filled(field, value, AUDIENCES)?;
    if value.trim() != value || value.chars().any(|c| c.is_control() || c == '/') {
        return Err(Error::invalid(
            field,
            "must not contain control characters, \"/\", or spaces at its ends",
        ));
    }
    Ok(())
}

/// Ids of audiences that a user is in or is not. Nobody is put into that of everybody, or taken out of it.
pub(crate) fn audiences(field: &'static str, values: &[String]) -> Result<(), Error> {
    if values.len() > AUDIENCES {
        return Err(Error::invalid(field, format!("must not have more than {AUDIENCES} entries")));
    }
    if values.iter().any(|value| value == EVERYBODY) {
        return Err(Error::invalid(field, "must not name \"everybody\", in which everybody is"));
    }
    values.iter().try_for_each(|value| audience(field, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(value: &str, allow_http: bool) -> bool {
        url("url", value, allow_http).is_ok()
    }

    #[test]
    fn nobody_is_put_where_everybody_is() {
        assert!(audiences("add_audiences", &["staff".to_owned()]).is_ok());
        assert!(audiences("add_audiences", &["staff".to_owned(), "everybody".to_owned()]).is_err());
    }

    #[test]
    fn only_https_urls_are_taken_unless_http_is_allowed() {
        assert!(taken("https://example.com/a.png", false));
        assert!(taken("HTTPS://example.com", false));
        assert!(taken("http://example.com", true));
        for wrong in [
            "",
            "example.com",
            "http://example.com",
            "https://",
            "https:///a",
            "javascript:alert(1)",
            "https://a b",
            "https://a\nb",
            "data:text/html,x",
        ] {
            assert!(!taken(wrong, false), "{wrong}");
        }
        assert!(taken(&format!("https://{}", "a".repeat(2_040)), false));
        assert!(!taken(&format!("https://{}", "a".repeat(2_041)), false));
    }

    #[test]
    fn metadata_is_an_object_or_nothing() {
        let kept = |value: &str| metadata(value.to_owned()).ok();
        assert_eq!(kept(""), Some(String::new()));
        assert_eq!(kept(" { } "), Some(String::new()));
        assert_eq!(kept(r#"{"a":1}"#), Some(r#"{"a":1}"#.to_owned()));
        for wrong in ["[]", "1", "null", "{", r#"{"a":1} x"#, r#"{"a":"\ud800"}"#] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
        assert_eq!(kept(&format!(r#"{{"a":"{}"}}"#, "x".repeat(8 << 10))), None, "over 8 KiB");
        assert_eq!(kept(&format!(r#"{{"a":{}{}}}"#, "[".repeat(500), "]".repeat(500))), None, "nested");
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(text("name", &"ü".repeat(150), NAME).is_ok());
        assert!(text("name", &"ü".repeat(151), NAME).is_err());
    }

    #[test]
    fn an_answer_ends_before_it_grows_too_large() {
        let entry = |bytes: usize| Attachment { url: "x".repeat(bytes), ..Attachment::default() };
        let half = ANSWER_BYTES / 2;
        assert_eq!(fitting(vec![entry(half - 100), entry(half - 100), entry(half)]).count(), 2);
        assert_eq!(fitting(vec![entry(ANSWER_BYTES * 2)]).count(), 1, "the first entry is always there");
    }
}
