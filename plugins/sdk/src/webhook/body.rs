//! A request's raw body, as signatures want it.

use axum::{
    body::to_bytes,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, header::CONTENT_LENGTH};

/// Reads the body of at most `limit` bytes. Fails with the response to give: 413 when it is longer, 400 when it breaks off.
pub async fn body(request: Request, limit: usize) -> Result<Bytes, Response> {
    if length(&request).is_some_and(|length| length > limit) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    }
    to_bytes(request.into_body(), limit).await.map_err(|error| {
        let too_long = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        let status = if too_long { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        status.into_response()
    })
}

/// What the request says of its length.
fn length(request: &Request) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    /// A body of unknown length.
    fn chunks(chunks: Vec<Result<&'static str, std::io::Error>>) -> Request {
        Request::new(Body::from_stream(stream::iter(chunks)))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let whole = body(chunks(vec![Ok("ab"), Ok("cd")]), 4).await.unwrap();
        assert_eq!(whole, "abcd");
        let refused = body(chunks(vec![Ok("ab"), Ok("cde")]), 4).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_says_that_it_is_too_long_is_not_read() {
        let mut request = chunks(vec![Err(std::io::ErrorKind::Other.into())]);
        request.headers_mut().insert(CONTENT_LENGTH, 5.into());
        assert_eq!(body(request, 4).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_bad_request() {
        let request = chunks(vec![Ok("ab"), Err(std::io::ErrorKind::UnexpectedEof.into())]);
        assert_eq!(body(request, 4).await.unwrap_err().status(), StatusCode::BAD_REQUEST);
    }
}
