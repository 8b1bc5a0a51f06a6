//! The head of a request, taken apart once. The URI with its query is dropped right here, so that nothing behind this file can
//! print a token.

use http::{HeaderMap, Method, Version, header, request::Parts, uri::Authority};
use percent_encoding::percent_decode_str;

use crate::{
    auth::{AuthError, bearer},
    command::Token,
};

/// What the bridge reads of a request. It cannot be printed, because its headers may hold a token.
pub(crate) struct Head {
    /// Method.
    pub(crate) method: Method,
    /// HTTP/1.0 or 1.1.
    pub(crate) version: Version,
    /// The host that is meant, perhaps with a port.
    pub(crate) host: Option<String>,
    /// Path without the query, as it came.
    pub(crate) path: String,
    /// `since` of the query, when there was one; it may be empty.
    pub(crate) since: Option<String>,
    /// Headers.
    pub(crate) headers: HeaderMap,
    tokens: Vec<Token>,
}

impl Head {
    /// The one token of the request, wherever it stands.
    pub(crate) fn token(&self) -> Result<Token, AuthError> {
        bearer::find(&self.tokens, &self.headers)
    }

    /// Whether one of the values in a header that is a list is this one, in any case.
    pub(crate) fn lists(&self, name: header::HeaderName, wanted: &str) -> bool {
        let lines = self.headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|value| value.trim().eq_ignore_ascii_case(wanted))
    }
}

impl From<Parts> for Head {
    fn from(parts: Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let in_header = || parts.headers.get(header::HOST)?.to_str().ok();
        Self {
            host: parts.uri.authority().map(Authority::as_str).or_else(in_header).map(str::to_owned),
            path: parts.uri.path().to_owned(),
            since: values(query, "since").next(),
            tokens: values(query, "token").map(Token).collect(),
            method: parts.method,
            version: parts.version,
            headers: parts.headers,
        }
    }
}

/// The values of a parameter, percent-decoded. A `+` stays one: tokens have pluses and no spaces, and frontends paste them
/// in as they are.
fn values(query: &str, name: &str) -> impl Iterator<Item = String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str, headers: &[(&str, &str)]) -> Head {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0.into()
    }

    #[test]
    fn the_query_is_taken_apart() {
        let head = head("/ws/chat/?a=b&token=x.y%2Bz+w&since=", &[("host", "h:1")]);
        assert_eq!((head.path.as_str(), head.host.as_deref()), ("/ws/chat/", Some("h:1")));
        assert_eq!(head.since.as_deref(), Some(""));
        assert_eq!(head.token(), Ok(Token("x.y+z+w".into())));
    }

    #[test]
    fn no_since_is_not_an_empty_one() {
        assert_eq!(head("/ws/chat/?sinceever=1", &[]).since, None);
        assert_eq!(head("/ws/chat/?since", &[]).since.as_deref(), Some(""));
    }

    #[test]
    fn a_token_in_the_query_twice_or_also_in_a_header_is_one_too_many() {
        let bearer = [("authorization", "Bearer t")];
        assert_eq!(head("/?token=t&token=t", &[]).token(), Err(AuthError::Invalid));
        assert_eq!(head("/?token=t", &bearer).token(), Err(AuthError::Invalid));
        assert_eq!(head("/", &bearer).token(), Ok(Token("t".into())));
        assert_eq!(head("/?token=", &[]).token(), Err(AuthError::NoToken));
    }

    #[test]
    fn lists_are_read_over_lines_and_in_any_case() {
        let head = head("/", &[("connection", "keep-alive"), ("connection", "x, UPGRADE")]);
        assert!(head.lists(header::CONNECTION, "upgrade"));
        assert!(!head.lists(header::UPGRADE, "websocket"));
    }
}
