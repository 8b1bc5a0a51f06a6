//! Files of customers, fetched from Telegram when somebody opens them. They pass through us, because Telegram's own addresses
//! hold the bot's token.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use causeway_plugin_sdk::axum;
use frankenstein::{AsyncTelegramApi, methods::GetFileParams, types::File};
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use crate::{Desk, account::Account, error::ApiError};

/// The largest file that Telegram gives to bots, in bytes: <https://core.telegram.org/bots/api#getfile>.
const MAX_FILE: u64 = 20 << 20;
/// Files under way at a time.
pub(crate) const MAX_FETCHING: usize = 64;

/// What a browser may show by itself, by the end of a file's name. All else is to be saved: a page or a picture with a script in
/// it would act in our name.
const SHOWN: [(&str, &str); 14] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("mov", "video/quicktime"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("wav", "audio/wav"),
    ("pdf", "application/pdf"),
];

#[derive(Debug, serde::Deserialize)]
pub(crate) struct Signed {
    #[serde(default)]
    signature: String,
}

/// `GET /files/{account}/{file_id}/{name}?signature=…`: 401 when the link is not ours, 404 when there is no such file (any more),
/// 502 when Telegram is away, 503 when too many files are under way.
pub(crate) async fn open(
    State(desk): State<Desk>,
    Path((name, file_id, file_name)): Path<(String, String, String)>,
    Query(Signed { signature }): Query<Signed>,
) -> Response {
    let telegram = &desk.telegram;
    if !telegram.links.is_ours(&name, &file_id, &file_name, &signature) {
        telegram.refusals.refuse("signature");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(account) = telegram.account(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(turn) = Arc::clone(&telegram.fetching).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
    };
    match fetch(account, file_id).await {
        Ok(file) => pass_on(account, file, &file_name, turn),
        Err(status) => status.into_response(),
    }
}

/// Asks where the file is, and begins to fetch it.
async fn fetch(account: &Account, file_id: String) -> Result<reqwest::Response, StatusCode> {
    let say = |error: ApiError| {
        tracing::debug!(account = account.name, %error, "cannot fetch a customer's file");
        status(&error)
    };
    let params = GetFileParams::builder().file_id(file_id).build();
    let File { file_path, file_size, .. } = account.api.get_file(&params).await.map_err(say)?.result;
    let path = file_path.filter(|path| is_path(path)).ok_or(StatusCode::NOT_FOUND)?;
    if file_size.is_some_and(|size| size > MAX_FILE) {
        return Err(StatusCode::NOT_FOUND);
    }
    let file = account.api.file(&path).await.map_err(say)?;
    if file.content_length().is_some_and(|size| size > MAX_FILE) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(file)
}

/// A path below the bot's files, and not one on the disk of a Bot API server of one's own, nor one that leads elsewhere.
fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.');
    path.bytes().all(is_plain) && !path.starts_with('/') && path.split('/').all(|segment| segment != "..")
}

fn status(error: &ApiError) -> StatusCode {
    match error.refusal().map(|refusal| refusal.code) {
        Some(400 | 404) => StatusCode::NOT_FOUND,
        Some(429) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) | None => StatusCode::BAD_GATEWAY,
    }
}

fn pass_on(account: &Account, file: reqwest::Response, name: &str, turn: OwnedSemaphorePermit) -> Response {
    let shown = shown(name);
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    if let Some(size) = file.content_length() {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(shown.unwrap_or("application/octet-stream")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    // What Telegram keeps under an id does not change.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
    let disposition = if shown.is_some() { "inline" } else { "attachment" };
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    if let Ok(disposition) = HeaderValue::try_from(format!("{disposition}; filename*=UTF-8''{name}")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    *response.body_mut() = flow(account, file, turn);
    response
}

fn shown(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    SHOWN.iter().find(|(known, _)| end.eq_ignore_ascii_case(known)).map(|(_, mime_type)| *mime_type)
}

/// The file's bytes as they come, up to the limit. Breaks off when Telegram falls silent.
fn flow(account: &Account, file: reqwest::Response, turn: OwnedSemaphorePermit) -> Body {
    let patience = account.api.patience();
    Body::from_stream(stream::try_unfold((file, 0, turn), move |(mut file, passed, turn)| async move {
        let chunk = timeout(patience, file.chunk()).await.map_err(|_| io::ErrorKind::TimedOut)?;
        let Some(chunk) = chunk.map_err(|error| io::Error::other(error.without_url()))? else {
            return Ok(None);
        };
        let passed = passed + chunk.len() as u64;
        if passed > MAX_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok::<_, io::Error>(Some((chunk, (file, passed, turn))))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_act_is_shown() {
        assert_eq!(shown("a.b.JPG"), Some("image/jpeg"));
        for name in ["page.html", "drawing.svg", "pdf", "a.pdf.exe", ""] {
            assert_eq!(shown(name), None, "{name}");
        }
    }

    #[test]
    fn a_path_stays_below_the_bots_files() {
        assert!(is_path("documents/file_5.pdf"));
        for path in ["/var/lib/bot/1", "a/../../bot", "a?b", "a%2f", "a b", "http://elsewhere"] {
            assert!(!is_path(path), "{path}");
        }
    }
}
