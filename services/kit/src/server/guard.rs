//! Who may call: the check of the service token, before anything of a request is read.

use std::fmt;

use http::{Request, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use tonic::Status;

/// What everybody may call; a plugin's own credential is checked by its host, before anything else is.
const OPEN: [&str; 3] = ["/grpc.health.v1.", "/grpc.reflection.", "/causeway.plugin.v1.PluginHost/"];

/// The credential that services, bridges and tools share. Only its digest is kept, and that is not printed either.
#[derive(Clone)]
pub struct ServiceToken([u8; 32]);

impl ServiceToken {
    /// The token as it stands in its file, without white space around it.
    pub fn new(token: &str) -> Self {
        Self(Sha256::digest(token.trim().as_bytes()).into())
    }

    /// `UNAUTHENTICATED` unless the method is open or the request has the token as a bearer (RFC 6750 §2.1).
    ///
    /// An empty token opens nothing. Digests are compared, so that the time it takes says nothing about the token.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Status> {
        let path = request.uri().path();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Ok(());
        }
        let header = request.headers().get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
        let given = header.and_then(|value| value.split_at_checked(7));
        match given {
            Some((scheme, token)) if is_bearer(scheme) && !token.is_empty() && self.matches(token) => Ok(()),
            _ => Err(Status::unauthenticated("a service token is required")),
        }
    }

    fn matches(&self, token: &[u8]) -> bool {
        Sha256::digest(token)[..] == self.0
    }
}

fn is_bearer(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"bearer ")
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(path: &str, authorization: Option<&str>) -> bool {
        let mut request = Request::builder().uri(path);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(()).expect("a request");
        ServiceToken::new("s3cret\n").admit(&request).is_ok()
    }

    const METHOD: &str = "/causeway.chat.v1.Chat/SendMessages";

    #[test]
    fn the_token_opens_every_method() {
        assert!(admitted(METHOD, Some("Bearer s3cret")));
        assert!(admitted(METHOD, Some("bearer s3cret")));
    }

    #[test]
    fn anything_else_opens_nothing() {
        for wrong in
            [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer s3cre"), Some("Basic s3cret")]
        {
            assert!(!admitted(METHOD, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        let request = Request::builder().uri(METHOD).header(AUTHORIZATION, "Bearer ").body(());
        assert!(ServiceToken::new("").admit(&request.expect("a request")).is_err());
    }

    #[test]
    fn health_and_reflection_are_open() {
        assert!(admitted("/grpc.health.v1.Health/Check", None));
        assert!(admitted("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None));
        assert!(!admitted("/grpc.healthy/Check", None));
    }

    #[test]
    fn the_token_is_not_printed() {
        assert_eq!(format!("{:?}", ServiceToken::new("s3cret")), "ServiceToken(…)");
    }
}
