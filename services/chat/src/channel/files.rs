//! Files of providers and attachments of ours, into each other.

use causeway_kit::Error;
use causeway_proto::{chat::Attachment, plugin::File};
use serde_json::{Map, Value};

use crate::{draft::Content, limits};

/// What a file may be, as content and as a plugin's capability: anything else is the last.
const KINDS: [&str; 4] = ["image", "video", "audio", FILE];
pub(super) const FILE: &str = "file";

/// Where the metadata of a message says how many files were left out of it.
const LEFT_OUT: &str = "files_left_out";

/// What a message from a provider says, when we may say it too. Files whose address we do not show are left out; of a message
/// that consists of nothing else, their names stay.
pub(super) fn content(
    text: String,
    files: Vec<File>,
    metadata: String,
    allow_http: bool,
) -> Result<Content, Error> {
    let (shown, left_out): (Vec<File>, Vec<File>) =
        files.into_iter().partition(|file| limits::url("files.url", &file.url, allow_http).is_ok());
    let is_empty = text.is_empty() && shown.is_empty();
    let content = Content {
        text: if is_empty { names(&left_out) } else { text },
        kind: kind_of_all(&shown).to_owned(),
        attachments: shown.into_iter().map(attachment).collect(),
        metadata: if left_out.is_empty() { metadata } else { with_count(metadata, left_out.len())? },
    };
    content.checked(allow_http)
}

/// The kind of a message with these files: theirs, when it is one.
fn kind_of_all(files: &[File]) -> &'static str {
    let mut kinds = files.iter().map(|file| known(&file.kind));
    let Some(first) = kinds.next() else { return "text" };
    if kinds.all(|kind| kind == first) { first } else { FILE }
}

fn known(kind: &str) -> &'static str {
    KINDS.into_iter().find(|known| *known == kind).unwrap_or(FILE)
}

/// A name or media type that is longer than ours may be is cut, or left out: the file matters more.
fn attachment(file: File) -> Attachment {
    let fits = limits::text("mime_type", &file.mime_type, limits::MIME_TYPE).is_ok();
    Attachment {
        url: file.url,
        name: file.name.chars().take(limits::FILE_NAME).collect(),
        mime_type: if fits { file.mime_type } else { String::new() },
        size: file.size,
    }
}

/// What stands for files that are not shown: `[image] [file report.pdf]`.
fn names(files: &[File]) -> String {
    let name = |file: &File| {
        let name: String = file.name.chars().take(limits::FILE_NAME).collect();
        format!("[{}]", format!("{} {name}", known(&file.kind)).trim_end())
    };
    files.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn with_count(metadata: String, count: usize) -> Result<String, Error> {
    let metadata = limits::metadata(metadata)?;
    let mut object: Map<String, Value> = if metadata.is_empty() {
        Map::new()
    } else {
        serde_json::from_str(&metadata).map_err(Error::internal)?
    };
    object.insert(LEFT_OUT.to_owned(), count.into());
    Ok(Value::Object(object).to_string())
}

/// An attachment of a message of this kind of content, as a plugin gets it. Its kind follows from its media type; where that
/// says nothing, from the message.
pub(super) fn file(attachment: &Attachment, content_type: &str) -> File {
    let from_type = attachment.mime_type.split('/').next().map(known).filter(|kind| *kind != FILE);
    let kind = match from_type {
        Some(kind) => kind,
        None if attachment.mime_type.is_empty() => known(content_type),
        None => FILE,
    };
    File {
        url: attachment.url.clone(),
        kind: kind.to_owned(),
        name: attachment.name.clone(),
        mime_type: attachment.mime_type.clone(),
        size: attachment.size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(url: &str) -> File {
        File { url: url.into(), kind: "image".into(), ..File::default() }
    }

    fn read(text: &str, files: &[File], metadata: &str) -> Result<Content, Error> {
        content(text.to_owned(), files.to_vec(), metadata.to_owned(), false)
    }

    #[test]
    fn a_message_is_of_the_kind_of_its_files() {
        let one = photo("https://example.com/1");
        let pdf = File { kind: "file".into(), ..one.clone() };
        let odd = File { kind: "sticker".into(), ..one.clone() };
        for (files, kind) in [
            (vec![], "text"),
            (vec![one.clone()], "image"),
            (vec![one.clone(), one.clone()], "image"),
            (vec![one, pdf], "file"),
            (vec![odd], "file"),
        ] {
            assert_eq!(read("hi", &files, "").unwrap().kind, kind);
        }
    }

    #[test]
    fn a_file_that_is_not_shown_is_left_out_and_counted() {
        let files = [photo("https://example.com/1"), photo("http://example.com/2"), photo("tg://3")];
        let content = read("look", &files, r#"{"sticker":"yes"}"#).unwrap();
        assert_eq!((content.attachments.len(), content.text.as_str()), (1, "look"));
        assert_eq!(content.metadata, r#"{"files_left_out":2,"sticker":"yes"}"#);
    }

    #[test]
    fn a_message_without_anything_to_show_says_what_it_was() {
        let report = File { kind: "file".into(), name: "report.pdf".into(), ..photo("ftp://x") };
        let content = read("", &[photo(""), report], "").unwrap();
        assert_eq!((content.text.as_str(), content.kind.as_str()), ("[image] [file report.pdf]", "text"));
        assert!(read("", &[], "").is_err());
    }

    #[test]
    fn what_is_too_long_or_no_object_is_refused() {
        assert!(read(&"x".repeat(16_384), &[], "").is_ok());
        assert!(read(&"x".repeat(16_385), &[], "").is_err());
        assert!(read("hi", &[], "[]").is_err());
        assert!(read("hi", &vec![photo("https://example.com/1"); 11], "").is_err());
    }

    #[test]
    fn the_kind_of_an_attachment_follows_from_its_type_or_from_the_message() {
        let of = |mime_type: &str, content_type: &str| {
            file(&Attachment { mime_type: mime_type.into(), ..Attachment::default() }, content_type).kind
        };
        assert_eq!(of("image/png", "text"), "image");
        assert_eq!(of("", "video"), "video");
        assert_eq!(of("", "text"), "file");
        assert_eq!(of("application/pdf", "image"), "file");
    }
}
