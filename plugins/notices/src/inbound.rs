//! What a source found, as an event: templates filled, texts cut to what the protocol allows, ids that are the same whenever
//! the source repeats itself.

use std::borrow::Cow;

use causeway_plugin_sdk::{
    event,
    proto::{
        id,
        plugin::{InboundEvent, Notice, inbound_event::Body, notice::To},
    },
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    settings::Publishing,
    template::{Field, Template, TemplateError},
};

/// Limits of the protocol, in characters.
const TITLE: usize = 200;
const MESSAGE: usize = 4_096;
/// A notice's id stands in the event's with a digest behind it, so it gets less than its 256 characters.
const NOTICE_ID: usize = 200;
/// Longest link that goes along, in characters.
const URL: usize = 2_048;
/// Largest number that every JSON reader keeps as it is (RFC 8259 §6).
const EXACT: u64 = (1 << 53) - 1;

/// Title of a notice whose template comes out empty.
const UNTITLED: &str = "New Notice";

/// A notice as its source has it now. What the source does not know is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) url: String,
    pub(crate) author: String,
    pub(crate) notification_type: String,
    /// A JSON object.
    pub(crate) data: String,
    pub(crate) to: Option<To>,
    pub(crate) is_published: bool,
    /// Tells this state of the notice from its others; made of the source's data alone, so that it is the same when the
    /// source repeats it. See [`version`].
    pub(crate) version: String,
}

/// How one source's notices are published.
#[derive(Debug)]
pub(crate) struct Publisher {
    account: String,
    source: String,
    title: Template,
    message: Template,
    url: Template,
    notification_type: String,
    update_when_changed: bool,
    retract_when_unpublished: bool,
}

impl Publisher {
    /// For the source of that kind and name.
    pub(crate) fn new(kind: &str, name: &str, publishing: &Publishing) -> Result<Self, TemplateError> {
        Ok(Self {
            account: format!("{kind}/{name}"),
            source: name.to_owned(),
            title: Template::parse(&publishing.title)?,
            message: Template::parse(&publishing.message)?,
            url: Template::parse(&publishing.url)?,
            notification_type: publishing.notification_type.clone(),
            update_when_changed: publishing.update_when_changed,
            retract_when_unpublished: publishing.retract_when_unpublished,
        })
    }

    /// The source's name as an account.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Whether the source takes notices back.
    pub(crate) fn retracts(&self) -> bool {
        self.retract_when_unpublished
    }

    /// The event that says how a notice is now.
    pub(crate) fn event(&self, mut found: Found) -> InboundEvent {
        if found.url.is_empty() {
            found.url = self.url.fill(|field| self.value(&found, field));
        }
        let title = one_line(&self.title.fill(|field| self.value(&found, field)));
        let message = self.message.fill(|field| self.value(&found, field));
        let data = if found.data.is_empty() { data(&found) } else { std::mem::take(&mut found.data) };
        let notification_type = match found.notification_type.as_str() {
            "" => self.notification_type.clone(),
            said => said.to_owned(),
        };
        let notice_id = short_id(&found.id);
        let provider_id = format!("{notice_id}/{}", found.version);
        let notice = Notice {
            notice_id: notice_id.clone(),
            to: found.to,
            is_published: found.is_published,
            title: cut(if title.is_empty() { UNTITLED } else { &title }, TITLE),
            message: cut(message.trim(), MESSAGE),
            notification_type,
            data,
            update_when_changed: self.update_when_changed,
            retract_when_unpublished: self.retract_when_unpublished,
        };
        event(&self.account, provider_id, notice_id, Body::Notice(notice))
    }

    fn value<'a>(&'a self, found: &'a Found, field: Field) -> Cow<'a, str> {
        Cow::Borrowed(match field {
            Field::Id => &found.id,
            Field::Title => &found.title,
            Field::Message => &found.message,
            Field::Url => &found.url,
            Field::Author => &found.author,
            Field::Source => &self.source,
        })
    }
}

/// A digest of what a source says of a notice. Each part stands behind its length, so that no two states are mistaken.
pub(crate) fn version<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

/// An id as it is, or a digest of one that is too long.
fn short_id(id: &str) -> String {
    if id.chars().count() <= NOTICE_ID {
        return id.to_owned();
    }
    format!("sha256:{}", hex::encode(Sha256::digest(id)))
}

/// What goes along with a notice that brings nothing: its id, as a number where it is one, and its link.
fn data(found: &Found) -> String {
    let id = match id::as_number(&found.id) {
        Some(number) if number <= EXACT => Value::from(number),
        Some(_) | None => Value::from(short_id(&found.id)),
    };
    let mut data = Map::from_iter([("notice_id".to_owned(), id)]);
    if (1..=URL).contains(&found.url.chars().count()) {
        data.insert("url".to_owned(), Value::from(found.url.clone()));
    }
    Value::Object(data).to_string()
}

/// A heading has no line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text, or as much of it as fits in `limit` characters with an ellipsis at the end.
fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(publishing: Publishing) -> Publisher {
        Publisher::new("feed", "news", &publishing).unwrap()
    }

    fn notice(publisher: &Publisher, found: Found) -> Notice {
        match publisher.event(found).body {
            Some(Body::Notice(notice)) => notice,
            other => panic!("{other:?}"),
        }
    }

    fn found(id: &str, title: &str) -> Found {
        Found { id: id.to_owned(), title: title.to_owned(), version: "v1".to_owned(), ..Found::default() }
    }

    #[test]
    fn a_notice_reads_as_the_backends_own() {
        let publisher = publisher(Publishing { url: "/notices/{id}".to_owned(), ..Publishing::default() });
        let event = publisher.event(found("42", "Mid-term exams"));
        assert_eq!((event.account.as_str(), event.provider_id.as_str()), ("feed/news", "42/v1"));
        assert_eq!(event.partition, "42");
        let notice = notice(&publisher, found("42", "Mid-term exams"));
        assert_eq!((notice.title.as_str(), notice.message.as_str()), ("New Notice", "Mid-term exams"));
        assert_eq!(notice.notification_type, "notice");
        assert_eq!(notice.data, r#"{"notice_id":42,"url":"/notices/42"}"#);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let publisher = publisher(Publishing {
            title: "{title}".to_owned(),
            message: "{message}".to_owned(),
            ..Publishing::default()
        });
        let (title, message) = ("é".repeat(201), "ß".repeat(5_000));
        let notice = notice(&publisher, Found { message, ..found("1", &title) });
        assert_eq!(notice.title, format!("{}…", "é".repeat(199)));
        assert_eq!(notice.message.chars().count(), 4_096);
        assert_eq!(cut(&"é".repeat(200), TITLE), "é".repeat(200));
    }

    #[test]
    fn a_title_is_one_line_and_never_empty() {
        let publisher = publisher(Publishing { title: "{title}".to_owned(), ..Publishing::default() });
        assert_eq!(notice(&publisher, found("1", " two\n lines ")).title, "two lines");
        assert_eq!(notice(&publisher, found("1", " ")).title, UNTITLED);
    }

    #[test]
    fn ids_fit_and_stay_apart() {
        let (one, other) = ("a".repeat(300), format!("{}b", "a".repeat(299)));
        assert_ne!(short_id(&one), short_id(&other));
        let event = publisher(Publishing::default()).event(found(&one, "t"));
        assert!(event.provider_id.chars().count() <= 256 && event.partition.chars().count() <= 256);
        assert_ne!(version([b"ab".as_slice(), b"c"]), version([b"a".as_slice(), b"bc"]));
    }

    #[test]
    fn an_id_is_a_number_only_where_that_loses_nothing() {
        assert_eq!(data(&found("007", "t")), r#"{"notice_id":"007"}"#);
        assert_eq!(data(&found("9007199254740991", "t")), r#"{"notice_id":9007199254740991}"#);
        assert_eq!(data(&found("9007199254740993", "t")), r#"{"notice_id":"9007199254740993"}"#);
    }
}
