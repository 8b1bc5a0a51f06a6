//! Where a request carries its token: in the query, in `Authorization`, or, for a browser that wants to keep it out of the
//! URL, in `Sec-WebSocket-Protocol`. It must be in one place only, so that no two readers of a request see different users.

use http::{HeaderMap, header};

use super::AuthError;
use crate::command::Token;

/// The subprotocol that announces a token, and that is answered.
pub(crate) const SUBPROTOCOL: &str = "bearer";

/// Whether the answer to an upgrade must name [`SUBPROTOCOL`], without which browsers give up.
pub(crate) fn offers_subprotocol(headers: &HeaderMap) -> bool {
    subprotocols(headers).any(|offered| offered == SUBPROTOCOL)
}

/// The one token of a request. `in_query` are the values of `token` in its query. [`AuthError::NoToken`] when there is
/// none, [`AuthError::Invalid`] when there are two, even the same.
pub(crate) fn find(in_query: &[Token], headers: &HeaderMap) -> Result<Token, AuthError> {
    let mut found = in_query
        .iter()
        .map(|token| token.0.clone())
        .chain(headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
            // Bytes that are no text are still a token, if a bad one.
            let text = String::from_utf8_lossy(value.as_bytes());
            let (scheme, rest) = text.split_once(' ').unwrap_or((&text, ""));
            scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim().to_owned())
        }))
        .chain(announced(headers))
        .filter(|token| !token.is_empty());
    match (found.next(), found.next()) {
        (None, _) => Err(AuthError::NoToken),
        (Some(token), None) => Ok(Token(token)),
        (Some(_), Some(_)) => Err(AuthError::Invalid),
    }
}

/// What follows each `bearer` in the list of subprotocols.
fn announced(headers: &HeaderMap) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut offered = subprotocols(headers);
    while let Some(name) = offered.next() {
        if name == SUBPROTOCOL {
            tokens.extend(offered.next());
        }
    }
    tokens
}

/// The subprotocols in the order offered, over all lines of the header.
fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let lines: Vec<String> = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect();
    lines.join(",").split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn found(in_query: &[&str], headers: &[(&str, &str)]) -> Result<String, AuthError> {
        let in_query: Vec<Token> = in_query.iter().map(|token| Token((*token).to_owned())).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        find(&in_query, &map).map(|token| token.0)
    }

    #[test]
    fn each_place_is_looked_at() {
        for (in_query, headers) in [
            (&["t"][..], &[][..]),
            (&[], &[("authorization", "Bearer t")]),
            (&[], &[("authorization", "bearer  t ")]),
            (&[], &[("sec-websocket-protocol", "bearer, t")]),
            (&[], &[("sec-websocket-protocol", "chat,bearer,t")]),
            (&[""], &[("authorization", "Bearer t")]),
            (&["t"], &[("authorization", "Basic dTpw")]),
            (&["t"], &[("sec-websocket-protocol", "chat")]),
        ] {
            assert_eq!(found(in_query, headers), Ok("t".to_owned()), "{in_query:?} {headers:?}");
        }
        // A list may be spread over several header lines (RFC 9110 §5.3).
        let lines = [("sec-websocket-protocol", "bearer"), ("sec-websocket-protocol", "t")];
        assert_eq!(found(&[], &lines), Ok("t".to_owned()));
    }

    #[test]
    fn two_tokens_are_one_too_many_even_when_they_are_the_same() {
        for (in_query, headers) in [
            (&["t", "t"][..], &[][..]),
            (&["t"], &[("authorization", "Bearer t")]),
            (&["t"], &[("sec-websocket-protocol", "bearer, t")]),
            (&[], &[("authorization", "Bearer t"), ("sec-websocket-protocol", "bearer, t")]),
            (&[], &[("authorization", "Bearer t"), ("authorization", "Bearer u")]),
            (&[], &[("sec-websocket-protocol", "bearer, t, bearer, u")]),
        ] {
            assert_eq!(found(in_query, headers), Err(AuthError::Invalid), "{in_query:?} {headers:?}");
        }
    }

    #[test]
    fn nothing_anywhere_is_no_token() {
        for headers in [
            &[][..],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "Basic dTpw")],
            &[("sec-websocket-protocol", "bearer")],
            &[("sec-websocket-protocol", "chat, v2")],
        ] {
            assert_eq!(found(&[""], headers), Err(AuthError::NoToken), "{headers:?}");
        }
    }
}
