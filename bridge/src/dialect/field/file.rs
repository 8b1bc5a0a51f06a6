//! Files beside a message: one URL, or a list of attachments. Nothing here fetches them.

use causeway_proto::chat::Attachment;
use serde_json::value::RawValue;

use super::{Object, longer, required};
use crate::fault::Fault;

/// Most files beside one message.
const MAX_FILES: usize = 10;
/// Most characters in a URL, a file's name and a media type.
const MAX_URL: usize = 2_048;
const MAX_NAME: usize = 255;
const MAX_MIME_TYPE: usize = 127;

impl Object<'_> {
    /// A single URL as an attachment; an empty string is none.
    pub(in crate::dialect) fn url(&self, name: &str) -> Result<Option<Attachment>, Fault> {
        match self.string(name)? {
            Some(url) if !url.is_empty() => {
                Ok(Some(Attachment { url: checked(name, url)?, ..Attachment::default() }))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// `attachments`: a list of objects, each with a `url` and whatever else is known of the file.
    pub(in crate::dialect) fn attachments(&self) -> Result<Vec<Attachment>, Fault> {
        let Some(text) = self.get("attachments") else { return Ok(Vec::new()) };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            return Err(Fault::field("attachments", "must be an array"));
        };
        if items.len() > MAX_FILES {
            return Err(Fault::field("attachments", &format!("must have at most {MAX_FILES} items")));
        }
        let read =
            |(at, item): (usize, &&RawValue)| attachment(item.get()).map_err(|fault| inside(at, fault));
        items.iter().enumerate().map(read).collect()
    }
}

fn attachment(text: &str) -> Result<Attachment, Fault> {
    let object = Object::read(text)?;
    let short = |name, max| match object.string(name)? {
        Some(text) if longer(&text, max) => {
            Err(Fault::field(name, &format!("must have at most {max} characters")))
        }
        text => Ok(text.unwrap_or_default()),
    };
    let size = match object.get("size") {
        Some(size) => {
            Some(size.parse().map_err(|_| Fault::field("size", "must be a whole number of bytes"))?)
        }
        None => None,
    };
    Ok(Attachment {
        url: checked("url", object.string("url")?.ok_or_else(|| required("url"))?)?,
        name: short("name", MAX_NAME)?,
        mime_type: short("mime_type", MAX_MIME_TYPE)?,
        size,
    })
}

/// The fault of a list's item, with the item's place in the field's name.
fn inside(at: usize, fault: Fault) -> Fault {
    match fault.field {
        Some(field) => Fault {
            message: format!("attachments[{at}].{}", fault.message),
            field: Some(format!("attachments[{at}].{field}")),
            ..fault
        },
        None => Fault::field(&format!("attachments[{at}]"), "must be an object"),
    }
}

/// Takes `https` and `http`; whether `http` is wanted is for the chat service to say.
fn checked(name: &str, url: String) -> Result<String, Fault> {
    if longer(&url, MAX_URL) {
        return Err(Fault::field(name, &format!("must have at most {MAX_URL} characters")));
    }
    let host = url
        .split_once("://")
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
        .map(|(_, rest)| rest);
    let has_host = host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
    if !has_host || url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Fault::field(name, "must be an https URL"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachments(value: &str) -> Result<Vec<Attachment>, Fault> {
        Object::read(&format!("{{\"attachments\":{value}}}"))?.attachments()
    }

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        for url in ["https://a.example/x.png", "HTTPS://a", "http://localhost:9/x"] {
            assert_eq!(checked("url", url.to_owned()).as_deref(), Ok(url));
        }
        for url in [
            "",
            "a.png",
            "ftp://a/b",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b",
            "https://a\n",
        ] {
            assert_eq!(
                checked("url", url.to_owned()),
                Err(Fault::field("url", "must be an https URL")),
                "{url}"
            );
        }
        let long = format!("https://{}", "a".repeat(MAX_URL));
        assert_eq!(checked("url", long), Err(Fault::field("url", "must have at most 2048 characters")));
    }

    #[test]
    fn an_attachment_says_what_it_knows() {
        let all =
            r#"[{"url":"https://a/b","name":"b","mime_type":"image/png","size":3},{"url":"https://a/c"}]"#;
        let known = Attachment {
            url: "https://a/b".to_owned(),
            name: "b".to_owned(),
            mime_type: "image/png".to_owned(),
            size: Some(3),
        };
        let bare = Attachment { url: "https://a/c".to_owned(), ..Attachment::default() };
        assert_eq!(attachments(all), Ok(vec![known, bare]));
        assert_eq!(attachments("null"), Ok(Vec::new()));
    }

    #[test]
    fn a_bad_attachment_is_named_by_its_place() {
        let field = |value| attachments(value).err().and_then(|fault| fault.field);
        assert_eq!(field("{}").as_deref(), Some("attachments"));
        assert_eq!(field("[1]").as_deref(), Some("attachments[0]"));
        assert_eq!(field("[{}]").as_deref(), Some("attachments[0].url"));
        assert_eq!(field(r#"[{"url":"https://a"},{"url":"x"}]"#).as_deref(), Some("attachments[1].url"));
        assert_eq!(field(r#"[{"url":"https://a","size":-1}]"#).as_deref(), Some("attachments[0].size"));
        let many = format!("[{}]", [r#"{"url":"https://a"}"#; 11].join(","));
        assert_eq!(field(&many).as_deref(), Some("attachments"));
    }
}
