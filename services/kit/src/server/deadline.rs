//! The caller's deadline, `grpc-timeout`, kept also for calls within the process.

use std::{future::Future, time::Duration};

use http::HeaderMap;
use tonic::Status;

/// The timeout that the caller set; `None` when there is none, or it cannot be read.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// Waits for the answer until the deadline; `DEADLINE_EXCEEDED` after it.
pub(super) async fn within<F: Future>(deadline: Option<Duration>, answer: F) -> Result<F::Output, Status> {
    match deadline {
        None => Ok(answer.await),
        Some(deadline) => tokio::time::timeout(deadline, answer)
            .await
            .map_err(|_| Status::deadline_exceeded("the deadline passed before the answer")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(value: &'static str) -> Option<Duration> {
        of(&HeaderMap::from_iter([(
            "grpc-timeout".parse().expect("a name"),
            HeaderValue::from_static(value),
        )]))
    }

    #[test]
    fn reads_each_unit() {
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("1500m"), Some(Duration::from_millis(1500)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn what_cannot_be_read_is_no_deadline() {
        for value in ["", "S", "1", "-1S", "123456789S", "1X", "1µ"] {
            assert_eq!(
                of(&HeaderMap::from_iter(
                    HeaderValue::from_str(value).ok().map(|v| ("grpc-timeout".parse().expect("a name"), v))
                )),
                None,
                "{value}"
            );
        }
    }
}
