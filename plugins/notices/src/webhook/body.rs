//! Reads a notice out of a webhook's body. A field that is wrong is named.

use serde_json::{Map, Value};

use crate::{
    inbound::Found,
    settings::{MAX_USERS, TYPE, Target},
};

/// Longest id, in characters.
const ID: usize = 200;
/// Largest `data`, in bytes.
const DATA: usize = 8 << 10;

/// The fields that say whom a notice is for; one of them does.
const TARGETS: [&str; 5] = ["user_id", "audience", "college_id", "everybody", "user_ids"];

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub(super) struct Unreadable {
    pub(super) field: String,
    pub(super) problem: String,
}

type Fields = Map<String, Value>;
type Result<T> = std::result::Result<T, Unreadable>;

/// Reads a notice; its version is left to the caller. Of one that is not published no more than its id is needed.
pub(super) fn read(body: &[u8]) -> Result<Found> {
    let fields: Fields = serde_json::from_slice(body)
        .map_err(|error| wrong("body", format!("must be a JSON object: {error}")))?;
    let is_published = match given(&fields, "is_published") {
        None => true,
        Some(Value::Bool(is_published)) => *is_published,
        Some(_) => return Err(wrong("is_published", "must be true or false")),
    };
    let id = fields.get("id").map(|value| id("id", value)).transpose()?.unwrap_or_default();
    if !(1..=ID).contains(&id.chars().count()) {
        return Err(wrong("id", "must be 1 to 200 characters"));
    }
    let title = text(&fields, "title")?;
    if is_published && title.trim().is_empty() {
        return Err(wrong("title", "must not be empty"));
    }
    let notification_type = text(&fields, "type")?;
    if notification_type.chars().count() > TYPE {
        return Err(wrong("type", "must not be longer than 64 characters"));
    }
    Ok(Found {
        id,
        title,
        message: text(&fields, "message")?,
        url: text(&fields, "url")?,
        author: text(&fields, "author")?,
        notification_type,
        data: data(&fields)?,
        to: if is_published { Some(target(&fields)?.to_proto()) } else { None },
        is_published,
        version: String::new(),
    })
}

/// Null is as good as nothing.
fn given<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn text(fields: &Fields, name: &str) -> Result<String> {
    match given(fields, name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(wrong(name, "must be a string")),
    }
}

/// Backends number what they store, or not.
fn id(name: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(id) => Ok(id.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
        _ => Err(wrong(name, "must be a string or a whole number")),
    }
}

fn data(fields: &Fields) -> Result<String> {
    match given(fields, "data") {
        None => Ok(String::new()),
        Some(data @ Value::Object(_)) => {
            let data = data.to_string();
            if data.len() > DATA { Err(wrong("data", "must not be longer than 8 KiB")) } else { Ok(data) }
        }
        Some(_) => Err(wrong("data", "must be an object")),
    }
}

fn target(fields: &Fields) -> Result<Target> {
    let mut named = TARGETS.into_iter().filter_map(|name| given(fields, name).map(|value| (name, value)));
    let (Some((name, value)), None) = (named.next(), named.next()) else {
        return Err(wrong(
            "user_id",
            "one of user_id, audience, college_id, everybody and user_ids must say whom it is for",
        ));
    };
    let target = match (name, value) {
        ("user_id", value) => Target::User(id(name, value)?),
        ("audience", Value::String(audience)) => Target::Audience(audience.clone()),
        ("college_id", value) => Target::College(id(name, value)?),
        ("everybody", Value::Bool(true)) => Target::Everybody,
        ("everybody", _) => return Err(wrong(name, "must be true when it is set")),
        ("user_ids", Value::Array(ids)) if ids.len() <= MAX_USERS => {
            Target::Users(ids.iter().map(|value| id(name, value)).collect::<Result<_>>()?)
        }
        ("user_ids", _) => return Err(wrong(name, format!("must be a list of 1 to {MAX_USERS} ids"))),
        _ => return Err(wrong(name, "must be a string")),
    };
    match target.problem() {
        None => Ok(target),
        Some(problem) => Err(wrong(name, problem)),
    }
}

fn wrong(field: &str, problem: impl Into<String>) -> Unreadable {
    Unreadable { field: field.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use causeway_plugin_sdk::proto::plugin::{UserList, notice::To};

    use super::*;

    fn to(fields: &str) -> Option<To> {
        read(format!(r#"{{"id":1,"title":"t",{fields}}}"#).as_bytes()).unwrap().to
    }

    fn field(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().field
    }

    #[test]
    fn a_notice_is_read_as_it_stands() {
        let found = read(
            br#"{"id":42,"title":"Exams","message":"Soon","type":"alert","url":"/n/42","data":{"a":1},"user_id":7}"#,
        );
        let found = found.unwrap();
        assert_eq!(
            (found.id.as_str(), found.title.as_str(), found.message.as_str()),
            ("42", "Exams", "Soon")
        );
        assert_eq!((found.notification_type.as_str(), found.url.as_str()), ("alert", "/n/42"));
        assert_eq!((found.data.as_str(), found.is_published), (r#"{"a":1}"#, true));
    }

    #[test]
    fn ids_are_numbers_or_strings() {
        assert_eq!(to(r#""user_id":7"#), Some(To::UserId("7".into())));
        assert_eq!(to(r#""user_id":"alice","audience":null"#), Some(To::UserId("alice".into())));
        assert_eq!(to(r#""college_id":5"#), Some(To::Audience("college:5".into())));
        assert_eq!(to(r#""audience":"staff""#), Some(To::Audience("staff".into())));
        assert_eq!(to(r#""everybody":true"#), Some(To::Everybody(true)));
        let users = UserList { user_ids: vec!["1".into(), "bob".into()] };
        assert_eq!(to(r#""user_ids":[1,"bob"]"#), Some(To::Users(users)));
    }

    #[test]
    fn what_is_unpublished_needs_no_more_than_its_id() {
        let found = read(br#"{"id":"x","is_published":false}"#).unwrap();
        assert_eq!((found.is_published, found.to), (false, None));
    }

    #[test]
    fn a_wrong_field_is_named() {
        assert_eq!(field("{"), "body");
        assert_eq!(field("[]"), "body");
        assert_eq!(field(r#"{"title":"t"}"#), "id");
        assert_eq!(field(r#"{"id":1.5,"title":"t"}"#), "id");
        assert_eq!(field(&format!(r#"{{"id":"{}","title":"t"}}"#, "x".repeat(201))), "id");
        assert_eq!(field(r#"{"id":1,"title":" "}"#), "title");
        assert_eq!(field(r#"{"id":1,"title":7}"#), "title");
        assert_eq!(field(r#"{"id":1,"title":"t","is_published":"yes"}"#), "is_published");
        assert_eq!(field(r#"{"id":1,"title":"t","data":[]}"#), "data");
        assert_eq!(
            field(&format!(r#"{{"id":1,"title":"t","data":{{"a":"{}"}}}}"#, "x".repeat(8_192))),
            "data"
        );
        assert_eq!(field(&format!(r#"{{"id":1,"title":"t","type":"{}"}}"#, "x".repeat(65))), "type");
        let target = |fields: &str| field(&format!(r#"{{"id":1,"title":"t",{fields}}}"#));
        assert_eq!(target(r#""user_id":1,"college_id":5"#), "user_id");
        assert_eq!(field(r#"{"id":1,"title":"t"}"#), "user_id");
        assert_eq!(target(r#""user_id":"a/b""#), "user_id");
        assert_eq!(target(r#""everybody":false"#), "everybody");
        assert_eq!(target(r#""audience":5"#), "audience");
        assert_eq!(target(r#""college_id":"""#), "college_id");
        assert_eq!(target(r#""user_ids":[]"#), "user_ids");
        assert_eq!(target(r#""user_ids":[[]]"#), "user_ids");
    }
}
