//! A message of ours as a provider takes it: its text, in parts where it is long, then its files, one by one.

use causeway_proto::{
    chat::Message,
    plugin::{Capabilities, File},
};

use super::{
    files::{self, FILE},
    split::split,
};

/// What is delivered at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    File(File),
}

/// A file that can be sent in no way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsendable;

/// All parts of a message, at least one. A file of a kind that the plugin cannot send is sent as a plain file; where it can send
/// none, its address is, as a text of its own.
pub(super) fn of(message: &Message, can: &Capabilities) -> Result<Vec<Part>, Unsendable> {
    let mut parts: Vec<Part> = texts(&message.content, can).into_iter().map(Part::Text).collect();
    for attachment in &message.attachments {
        let file = files::file(attachment, &message.content_type);
        parts.push(sendable(file, can)?);
    }
    Ok(parts)
}

/// The parts of a text. A stretch of nothing but spaces goes with a cut: no provider takes that as a message.
pub(super) fn texts(text: &str, can: &Capabilities) -> Vec<String> {
    let parts = split(text, can.text_limit, can.text_unit());
    let has_words = parts.iter().any(|part| !part.trim().is_empty());
    let is_kept = |part: &&str| !has_words || !part.trim().is_empty();
    parts.into_iter().filter(is_kept).map(str::to_owned).collect()
}

fn sendable(file: File, can: &Capabilities) -> Result<Part, Unsendable> {
    let takes = |kind: &str| can.attachment_kinds.iter().any(|it| it == kind);
    if takes(&file.kind) {
        return Ok(Part::File(file));
    }
    if takes(FILE) {
        return Ok(Part::File(File { kind: FILE.to_owned(), ..file }));
    }
    match split(&file.url, can.text_limit, can.text_unit()).as_slice() {
        [whole] => Ok(Part::Text((*whole).to_owned())),
        _ => Err(Unsendable),
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::chat::Attachment;

    use super::*;

    fn can(text_limit: u32, kinds: &[&str]) -> Capabilities {
        let attachment_kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Capabilities { text_limit, attachment_kinds, ..Capabilities::default() }
    }

    fn message(content: &str, mime_types: &[&str]) -> Message {
        let attachment = |mime_type: &&str| Attachment {
            url: "https://example.com/x".into(),
            mime_type: (*mime_type).to_owned(),
            ..Attachment::default()
        };
        let attachments = mime_types.iter().map(attachment).collect();
        Message { content: content.into(), attachments, ..Message::default() }
    }

    fn shapes(parts: &[Part]) -> Vec<String> {
        let shape = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::File(file) => format!("<{}>", file.kind),
        };
        parts.iter().map(shape).collect()
    }

    #[test]
    fn the_text_comes_first_and_each_file_by_itself() {
        let parts = of(&message("one two three", &["image/png", "video/mp4"]), &can(8, &["image", "video"]));
        assert_eq!(shapes(&parts.unwrap()), ["one two ", "three", "<image>", "<video>"]);
        let only_file = of(&message("", &["image/png"]), &can(8, &["image"]));
        assert_eq!(shapes(&only_file.unwrap()), ["<image>"]);
    }

    #[test]
    fn a_kind_that_cannot_be_sent_goes_as_a_file_or_as_its_address() {
        let video = message("", &["video/mp4"]);
        assert_eq!(shapes(&of(&video, &can(0, &["image", "file"])).unwrap()), ["<file>"]);
        assert_eq!(shapes(&of(&video, &can(0, &["image"])).unwrap()), ["https://example.com/x"]);
        assert_eq!(of(&video, &can(10, &[])), Err(Unsendable), "an address in two parts is none");
    }

    #[test]
    fn a_stretch_of_spaces_is_no_part() {
        let spaced = format!("one{}two", " ".repeat(12));
        let parts = of(&message(&spaced, &[]), &can(4, &[])).unwrap();
        assert_eq!(shapes(&parts), ["one ", "two"]);
        assert_eq!(
            shapes(&of(&message("  ", &[]), &can(0, &[])).unwrap()),
            ["  "],
            "somebody wrote just that"
        );
    }
}
