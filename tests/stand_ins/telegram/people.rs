//! Customers, and what they send.

use serde_json::{Value, json};

/// A user of Telegram. Where one talks with a bot alone, the chat has the user's id.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) username: Option<String>,
}

impl Person {
    pub(crate) fn new(id: i64, first_name: &str) -> Self {
        Self { id, first_name: first_name.to_owned(), last_name: None, username: None }
    }

    pub(crate) fn last_name(self, name: &str) -> Self {
        Self { last_name: Some(name.to_owned()), ..self }
    }

    pub(crate) fn username(self, name: &str) -> Self {
        Self { username: Some(name.to_owned()), ..self }
    }

    /// As a `User`.
    pub(crate) fn user(&self) -> Value {
        let mut user = self.named();
        user["is_bot"] = json!(false);
        user["language_code"] = json!("en");
        user
    }

    /// As the private `Chat` with a bot.
    pub(crate) fn chat(&self) -> Value {
        let mut chat = self.named();
        chat["type"] = json!("private");
        chat
    }

    fn named(&self) -> Value {
        let mut named = json!({ "id": self.id, "first_name": self.first_name });
        for (key, name) in [("last_name", &self.last_name), ("username", &self.username)] {
            if let Some(name) = name {
                named[key] = json!(name);
            }
        }
        named
    }
}

/// What a sticker is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sticker {
    Still,
    Animated,
    Video,
}

/// What is in a message.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    /// In two sizes.
    Photo {
        bytes: Vec<u8>,
        caption: String,
    },
    Document {
        name: String,
        mime_type: String,
        bytes: Vec<u8>,
        caption: String,
    },
    /// A document that is this large, and cannot be fetched.
    Huge {
        name: String,
        size: u64,
    },
    Voice {
        bytes: Vec<u8>,
    },
    Audio {
        name: String,
        bytes: Vec<u8>,
    },
    Video {
        bytes: Vec<u8>,
        caption: String,
    },
    VideoNote {
        bytes: Vec<u8>,
    },
    Animation {
        bytes: Vec<u8>,
    },
    Sticker {
        emoji: String,
        is: Sticker,
    },
    /// Any other fields of a `Message`, for example `{"location": …}`.
    Other(Value),
}

/// A file that a message brings along.
#[derive(Debug)]
pub(crate) struct Brought {
    /// Folder at Telegram, and the end of the name.
    pub(crate) path: (&'static str, String),
    pub(crate) bytes: Vec<u8>,
    pub(crate) size: u64,
}

impl Content {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The file of which the message tells.
    pub(crate) fn brought(&self) -> Option<Brought> {
        let brought = |folder, end: &str, bytes: &Vec<u8>| {
            Some(Brought { path: (folder, end.to_owned()), size: bytes.len() as u64, bytes: bytes.clone() })
        };
        match self {
            Self::Text(_) | Self::Other(_) => None,
            Self::Photo { bytes, .. } => brought("photos", "jpg", bytes),
            Self::Document { name, bytes, .. } => brought("documents", end(name), bytes),
            Self::Huge { name, size } => {
                Some(Brought { path: ("documents", end(name).to_owned()), bytes: Vec::new(), size: *size })
            }
            Self::Voice { bytes } => brought("voice", "oga", bytes),
            Self::Audio { name, bytes } => brought("music", end(name), bytes),
            Self::Video { bytes, .. } => brought("videos", "mp4", bytes),
            Self::VideoNote { bytes } => brought("video_notes", "mp4", bytes),
            Self::Animation { bytes } => brought("animations", "mp4", bytes),
            Self::Sticker { is: Sticker::Still, .. } => {
                brought("stickers", "webp", &b"RIFF....WEBP".to_vec())
            }
            Self::Sticker { is: Sticker::Animated, .. } => brought("stickers", "tgs", &vec![0x1f, 0x8b]),
            Self::Sticker { is: Sticker::Video, .. } => brought("stickers", "webm", &vec![0x1a, 0x45]),
        }
    }

    /// The message's fields, with the id of the file.
    pub(crate) fn fields(&self, file_id: &str) -> Value {
        let size = self.brought().map_or(0, |file| file.size);
        let file = |more: Value| {
            let mut file =
                json!({ "file_id": file_id, "file_unique_id": unique(file_id), "file_size": size });
            merge(&mut file, more);
            file
        };
        match self {
            Self::Text(text) => json!({ "text": text }),
            Self::Photo { caption, .. } => {
                let small = json!({ "file_id": format!("{file_id}s"), "file_unique_id": unique(file_id),
                                    "file_size": 1, "width": 90, "height": 60 });
                let large = file(json!({ "width": 1280, "height": 853 }));
                captioned(json!({ "photo": [small, large] }), caption)
            }
            Self::Document { name, mime_type, caption, .. } => captioned(
                json!({ "document": file(json!({ "file_name": name, "mime_type": mime_type })) }),
                caption,
            ),
            Self::Huge { name, .. } => json!({ "document": file(json!({ "file_name": name })) }),
            Self::Voice { .. } => {
                json!({ "voice": file(json!({ "duration": 3, "mime_type": "audio/ogg" })) })
            }
            Self::Audio { name, .. } => json!({ "audio": file(json!({
                "duration": 180, "performer": "Somebody", "title": "Something", "file_name": name,
                "mime_type": "audio/mpeg" })) }),
            Self::Video { caption, .. } => captioned(
                json!({ "video": file(json!({ "width": 640, "height": 360, "duration": 9,
                                              "mime_type": "video/mp4" })) }),
                caption,
            ),
            Self::VideoNote { .. } => json!({ "video_note": file(json!({ "length": 240, "duration": 5 })) }),
            Self::Animation { .. } => {
                let animation =
                    file(json!({ "width": 320, "height": 180, "duration": 2, "file_name": "fun.mp4",
                                             "mime_type": "video/mp4" }));
                // For clients that know of no animations.
                json!({ "animation": animation.clone(), "document": animation })
            }
            Self::Sticker { emoji, is } => json!({ "sticker": file(json!({
                "width": 512, "height": 512, "type": "regular", "emoji": emoji, "set_name": "Animals",
                "is_animated": *is == Sticker::Animated, "is_video": *is == Sticker::Video })) }),
            Self::Other(fields) => fields.clone(),
        }
    }
}

/// Adds fields to an object.
pub(crate) fn merge(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn captioned(mut fields: Value, caption: &str) -> Value {
    if !caption.is_empty() {
        fields["caption"] = json!(caption);
    }
    fields
}

fn end(name: &str) -> &str {
    name.rsplit_once('.').map_or("bin", |(_, end)| end)
}

fn unique(file_id: &str) -> String {
    format!("AQAD{}", file_id.len())
}
