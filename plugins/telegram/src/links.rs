//! Addresses of ours that others call: webhooks, and files of customers. A file's link is signed, so that nobody fetches
//! through us what they were not shown, and it says nothing of the bot's token.

use causeway_plugin_sdk::webhook::{sign_hmac_sha256, verify_hmac_sha256};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::settings::Settings;

/// What a segment cannot have as it is: all but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest name in a link, in characters. A link has at most 2 048, of which each of these takes up to 12.
const MAX_NAME: usize = 64;

/// Makes addresses, and knows its own.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// Of this plugin, without a slash at the end.
    base: String,
    secret: crate::Secret,
}

impl Links {
    pub(crate) fn new(settings: &Settings) -> Self {
        let base = format!("{}/{}", settings.public_url.trim_end_matches('/'), crate::NAME);
        Self { base, secret: settings.file_secret.clone() }
    }

    /// Where Telegram brings updates.
    pub(crate) fn webhook(&self, account: &str) -> String {
        format!("{}/webhook/{account}", self.base)
    }

    /// Where a browser finds a file. The name is for people, and says of what type it is.
    pub(crate) fn link(&self, account: &str, file_id: &str, name: &str) -> String {
        let name = short(name);
        let path = path(account, file_id, &name);
        let signature = sign_hmac_sha256(self.secret.expose().as_bytes(), path.as_bytes());
        format!("{}{path}?signature={signature}", self.base)
    }

    /// Whether it is one of our links.
    pub(crate) fn is_ours(&self, account: &str, file_id: &str, name: &str, signature: &str) -> bool {
        let path = path(account, file_id, name);
        verify_hmac_sha256(self.secret.expose().as_bytes(), path.as_bytes(), signature)
    }
}

fn path(account: &str, file_id: &str, name: &str) -> String {
    let [account, file_id, name] =
        [account, file_id, name].map(|segment| utf8_percent_encode(segment, RESERVED));
    format!("/files/{account}/{file_id}/{name}")
}

/// A name that fits into a link and stays one segment of it: its end, because that tells the type.
fn short(name: &str) -> String {
    let is_one_segment = |character: &char| !character.is_control() && !matches!(character, '/' | '\\');
    let name: Vec<char> = name.chars().filter(is_one_segment).collect();
    let name: String = name[name.len().saturating_sub(MAX_NAME)..].iter().collect();
    // Dots alone would lead out of the segment.
    if name.trim_start_matches('.').is_empty() { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> Links {
        Links::new(&Settings::new(
            "https://hooks.example/",
            crate::Secret::new("sixteen bytes or").unwrap(),
            Vec::new(),
        ))
    }

    #[test]
    fn a_link_is_ours_until_something_of_it_is_changed() {
        let link = links().link("bot", "AgAC-_1", "Ü 1.pdf");
        let (path, signature) = link.split_once("?signature=").unwrap();
        assert_eq!(path, "https://hooks.example/telegram/files/bot/AgAC-_1/%C3%9C%201.pdf");
        assert!(links().is_ours("bot", "AgAC-_1", "Ü 1.pdf", signature));
        for (account, file, name) in
            [("b", "AgAC-_1", "Ü 1.pdf"), ("bot", "X", "Ü 1.pdf"), ("bot", "AgAC-_1", "1")]
        {
            assert!(!links().is_ours(account, file, name, signature));
        }
        assert!(!links().is_ours("bot", "AgAC-_1", "Ü 1.pdf", ""));
        assert!(
            !links().is_ours("bot", "AgAC-_1/%C3%9C", "1.pdf", signature),
            "segments do not run into another"
        );
    }

    #[test]
    fn any_name_fits_into_a_link() {
        let long = "😀".repeat(500) + ".pdf";
        let link = links().link(&"a".repeat(128), &"f".repeat(150), &long);
        assert!(link.len() < 2048 && link.contains(".pdf?"), "{}", link.len());
        for (name, shown) in
            [("../../etc/passwd", "....etcpasswd"), ("..", "file"), ("", "file"), ("a\r\nb", "ab")]
        {
            assert_eq!(short(name), shown);
        }
    }
}
