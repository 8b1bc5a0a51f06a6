//! What comes with a message beside its text: files, and what people pass on.

use causeway_plugin_sdk::proto::plugin::File;
use reqwest::Url;
use serde::Deserialize;

/// Most files of one message that the host takes.
const FILES: usize = 10;
/// Where Meta keeps media; a link to anywhere else in it is a page.
const MEDIA_HOSTS: [&str; 3] = ["cdninstagram.com", "fbcdn.net", "fbsbx.com"];
/// Kinds of file by the end of their names.
const KINDS: [(&str, &[&str]); 3] = [
    ("image", &["jpg", "jpeg", "png", "gif", "webp", "heic"]),
    ("video", &["mp4", "mov", "webm", "ogg", "avi"]),
    ("audio", &["aac", "m4a", "mp3", "wav"]),
];

/// An attachment as Meta writes it.
#[derive(Debug, Deserialize)]
pub(super) struct Attachment {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    payload: Option<Payload>,
}

#[derive(Debug, Deserialize)]
struct Payload {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// What attachments come to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) files: Vec<File>,
    /// What is said about the rest.
    pub(super) lines: Vec<String>,
}

impl Parts {
    /// Adds the attachments of a message.
    pub(super) fn extend(&mut self, attachments: Vec<Attachment>) {
        for attachment in attachments {
            self.add(attachment);
        }
        let over = self.files.len().saturating_sub(FILES);
        if over > 0 {
            self.files.truncate(FILES);
            self.lines.push(format!("[{over} more files: to be seen in Instagram]"));
        }
    }

    /// Adds a story, which may be a picture or a video.
    pub(super) fn add_story(&mut self, url: &str) {
        self.files.push(file(kind_of(url).unwrap_or("file"), url, "story"));
    }

    fn add(&mut self, Attachment { kind, payload }: Attachment) {
        let (url, title) = payload.map_or((None, None), |payload| (payload.url, payload.title));
        let title = title.unwrap_or_default();
        let Some(url) = url.filter(|url| !url.is_empty()) else { return self.lines.push(without_url(&kind)) };
        match kind.as_str() {
            "image" | "video" | "audio" | "file" => self.files.push(file(&kind, &url, &title)),
            "animated_image" | "sticker" => self.files.push(file("image", &url, &title)),
            "story_mention" => {
                self.lines.push("[mentioned you in a story]".to_owned());
                self.add_story(&url);
            }
            _ if is_media(&url) => {
                let usual = if kind.ends_with("reel") { "video" } else { "file" };
                self.files.push(file(kind_of(&url).unwrap_or(usual), &url, &title));
            }
            _ if title.is_empty() => self.lines.push(url),
            _ => self.lines.push(format!("{title} {url}")),
        }
    }
}

fn without_url(kind: &str) -> String {
    match kind {
        "like_heart" => "\u{2764}\u{fe0f}".to_owned(),
        "" => "[something to be seen in Instagram]".to_owned(),
        kind => format!("[{}: to be seen in Instagram]", kind.chars().take(64).collect::<String>()),
    }
}

fn file(kind: &str, url: &str, name: &str) -> File {
    File { url: url.to_owned(), kind: kind.to_owned(), name: name.to_owned(), ..File::default() }
}

/// Whether it is the thing itself and not a page about it.
fn is_media(url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let host = parsed.host_str().unwrap_or_default();
    let is_within = |known: &str| {
        host.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    MEDIA_HOSTS.into_iter().any(is_within) || kind_of(url).is_some()
}

/// What kind of file a URL names, by its ending.
fn kind_of(url: &str) -> Option<&'static str> {
    let url = Url::parse(url).ok()?;
    let ending = url.path().rsplit_once('.')?.1.to_ascii_lowercase();
    KINDS.iter().find(|(_, endings)| endings.contains(&ending.as_str())).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parts(attachments: Value) -> (Vec<(String, String)>, Vec<String>) {
        let mut parts = Parts::default();
        parts.extend(serde_json::from_value(attachments).unwrap());
        (parts.files.into_iter().map(|file| (file.kind, file.url)).collect(), parts.lines)
    }

    fn one(kind: &str, url: &str) -> (Vec<(String, String)>, Vec<String>) {
        parts(json!([{"type": kind, "payload": {"url": url}}]))
    }

    #[test]
    fn media_are_files_of_their_kind() {
        let cdn = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x";
        let only = |kind: &str, url: &str| (vec![(kind.to_owned(), url.to_owned())], vec![]);
        for kind in ["image", "video", "audio", "file"] {
            assert_eq!(one(kind, cdn), only(kind, cdn));
        }
        assert_eq!(one("ig_reel", cdn), only("video", cdn));
        assert_eq!(one("share", cdn), only("file", cdn));
        let picture = "https://scontent.cdninstagram.com/v/1.JPG?x=.mp4";
        assert_eq!(one("share", picture), only("image", picture));
        let mention =
            (vec![("file".to_owned(), cdn.to_owned())], vec!["[mentioned you in a story]".to_owned()]);
        assert_eq!(one("story_mention", cdn), mention);
    }

    #[test]
    fn links_to_pages_are_text() {
        let reel = "https://www.instagram.com/reel/C0ffee/";
        assert_eq!(one("ig_reel", reel), (vec![], vec![reel.to_owned()]));
        assert_eq!(
            one("share", "https://evilfbcdn.net/"),
            (vec![], vec!["https://evilfbcdn.net/".to_owned()])
        );
        let titled = parts(json!([{"type": "share", "payload": {"url": reel, "title": "Boats"}}]));
        assert_eq!(titled, (vec![], vec![format!("Boats {reel}")]));
    }

    #[test]
    fn what_has_no_url_is_named() {
        let named =
            parts(json!([{"type": "template", "payload": {"generic": {}}}, {"type": "like_heart"}, {}]));
        let lines = [
            "[template: to be seen in Instagram]",
            "\u{2764}\u{fe0f}",
            "[something to be seen in Instagram]",
        ];
        assert_eq!(named, (vec![], lines.map(str::to_owned).to_vec()));
    }

    #[test]
    fn there_are_at_most_ten_files() {
        let many: Vec<_> =
            (0..12).map(|_| json!({"type": "image", "payload": {"url": "https://a/b"}})).collect();
        let (files, lines) = parts(json!(many));
        assert_eq!((files.len(), lines), (10, vec!["[2 more files: to be seen in Instagram]".to_owned()]));
    }
}
