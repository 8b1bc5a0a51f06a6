//! The files in a message, as links that are resolved when somebody opens them.

use causeway_plugin_sdk::proto::plugin::File;
use frankenstein::{
    stickers::Sticker,
    types::{Message, PhotoSize},
};

use super::Reader;

/// What is known of a file at Telegram.
struct Found<'a> {
    id: &'a str,
    kind: &'static str,
    /// As its sender called it, or what it is.
    name: &'a str,
    mime_type: &'a str,
    size: Option<u64>,
}

/// A message has one file, or none: Telegram sends an album as several messages.
pub(super) fn of(reader: Reader<'_>, message: &Message) -> Vec<File> {
    let found =
        picture(message).or_else(|| moving(message)).or_else(|| sound(message)).or_else(|| document(message));
    let file = found.map(|Found { id, kind, name, mime_type, size }| File {
        url: reader.links.link(reader.account, id, name),
        kind: kind.to_owned(),
        name: name.to_owned(),
        mime_type: mime_type.to_owned(),
        size,
    });
    file.into_iter().collect()
}

fn picture(message: &Message) -> Option<Found<'_>> {
    let photo = message.photo.as_deref().and_then(largest).map(|photo| Found {
        id: &photo.file_id,
        kind: "image",
        name: "photo.jpg",
        mime_type: "image/jpeg",
        size: photo.file_size,
    });
    photo.or_else(|| message.sticker.as_deref().map(sticker))
}

/// Telegram sends a photo in several sizes.
fn largest(sizes: &[PhotoSize]) -> Option<&PhotoSize> {
    sizes.iter().max_by_key(|size| u64::from(size.width) * u64::from(size.height))
}

/// <https://core.telegram.org/stickers>: a WEBP picture, a Lottie animation packed with gzip, or a WEBM video.
fn sticker(sticker: &Sticker) -> Found<'_> {
    let (kind, name, mime_type) = match (sticker.is_video, sticker.is_animated) {
        (true, _) => ("video", "sticker.webm", "video/webm"),
        (false, true) => ("file", "sticker.tgs", "application/x-tgsticker"),
        (false, false) => ("image", "sticker.webp", "image/webp"),
    };
    Found { id: &sticker.file_id, kind, name, mime_type, size: sticker.file_size }
}

fn moving(message: &Message) -> Option<Found<'_>> {
    if let Some(video) = &message.video {
        let (name, mime_type) = (video.file_name.as_deref(), video.mime_type.as_deref());
        return Some(film(&video.file_id, name, mime_type, video.file_size));
    }
    if let Some(video) = &message.video_note {
        return Some(film(&video.file_id, Some("video_note.mp4"), None, video.file_size));
    }
    if let Some(video) = &message.live_photo {
        return Some(film(&video.file_id, Some("live_photo.mp4"), None, video.file_size));
    }
    let animation = message.animation.as_ref()?;
    let (name, mime_type) = (animation.file_name.as_deref(), animation.mime_type.as_deref());
    let found = film(&animation.file_id, name, mime_type, animation.file_size);
    // Most GIFs are films to Telegram; some are still pictures.
    Some(if mime_type == Some("image/gif") { Found { kind: "image", ..found } } else { found })
}

fn film<'a>(id: &'a str, name: Option<&'a str>, mime_type: Option<&'a str>, size: Option<u64>) -> Found<'a> {
    let mime_type = mime_type.unwrap_or("video/mp4");
    Found { id, kind: "video", name: name.unwrap_or("video.mp4"), mime_type, size }
}

fn sound(message: &Message) -> Option<Found<'_>> {
    if let Some(voice) = &message.voice {
        let mime_type = voice.mime_type.as_deref().unwrap_or("audio/ogg");
        return Some(Found {
            id: &voice.file_id,
            kind: "audio",
            name: "voice.ogg",
            mime_type,
            size: voice.file_size,
        });
    }
    let audio = message.audio.as_ref()?;
    Some(Found {
        id: &audio.file_id,
        kind: "audio",
        name: audio.file_name.as_deref().unwrap_or("audio.mp3"),
        mime_type: audio.mime_type.as_deref().unwrap_or("audio/mpeg"),
        size: audio.file_size,
    })
}

fn document(message: &Message) -> Option<Found<'_>> {
    let document = message.document.as_ref()?;
    Some(Found {
        id: &document.file_id,
        kind: "file",
        name: document.file_name.as_deref().unwrap_or("document"),
        mime_type: document.mime_type.as_deref().unwrap_or_default(),
        size: document.file_size,
    })
}
