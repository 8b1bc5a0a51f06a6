use reqwest::header::HeaderValue;
use serde_json::json;

use super::*;

const TOKEN: &str = "IGAAhunter2";

fn refused(status: u16, headers: &HeaderMap, body: &Value) -> ApiError {
    let status = StatusCode::from_u16(status).unwrap();
    ApiError::refused(status, headers, body.to_string().as_bytes(), TOKEN)
}

fn error(status: u16, code: i64, subcode: i64) -> ApiError {
    let error = json!({"message": "No.", "type": "IGApiException", "code": code, "error_subcode": subcode});
    refused(status, &HeaderMap::new(), &json!({"error": error}))
}

#[test]
fn codes_are_told_apart() {
    for (code, subcode, kind) in [
        (190, 463, Kind::Credentials(Some(463))),
        (190, 467, Kind::Credentials(Some(467))),
        (4, 0, Kind::RateLimited(USUAL_WAIT)),
        (17, 0, Kind::RateLimited(USUAL_WAIT)),
        (613, 0, Kind::RateLimited(USUAL_WAIT)),
        (80_002, 0, Kind::RateLimited(USUAL_WAIT)),
        (80_006, 0, Kind::RateLimited(USUAL_WAIT)),
        (10, 2_534_022, Kind::OutsideWindow),
        (10, 2_018_278, Kind::OutsideWindow),
        (10, 0, Kind::Refused),
        (551, 0, Kind::Unavailable),
        (230, 0, Kind::Unavailable),
        (100, 2_534_014, Kind::Unavailable),
        (100, 33, Kind::Refused),
        (1, 0, Kind::Temporary),
        (2, 0, Kind::Temporary),
        (200, 0, Kind::Refused),
    ] {
        assert_eq!(error(400, code, subcode).kind, kind, "{code}/{subcode}");
    }
    assert_eq!(error(503, 9_999, 0).kind, Kind::Temporary);
    let transient = json!({"error": {"code": 9_999, "is_transient": true}});
    assert_eq!(refused(400, &HeaderMap::new(), &transient).kind, Kind::Temporary);
}

#[test]
fn an_answer_that_is_not_the_api_is_judged_by_its_status() {
    let page = |status| {
        ApiError::refused(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), b"<html>", TOKEN)
    };
    assert_eq!(page(502).kind, Kind::Temporary);
    assert_eq!(page(429).kind, Kind::RateLimited(USUAL_WAIT));
    assert_eq!((page(404).kind, page(404).code.as_str()), (Kind::Refused, "http_404"));
}

#[test]
fn a_rate_limit_ends_when_the_headers_say() {
    let limited = json!({"error": {"code": 80_002}});
    let wait = |name: &'static str, value: &str| {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())]);
        match refused(400, &headers, &limited).kind {
            Kind::RateLimited(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        }
    };
    let usage = r#"{"17841":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":3},
        {"type":"messenger","estimated_time_to_regain_access":19}]}"#
        .replace('\n', "");
    assert_eq!(wait("x-business-use-case-usage", &usage), 19 * 60);
    assert_eq!(wait("x-app-usage", r#"{"call_count":100,"estimated_time_to_regain_access":2}"#), 120);
    assert_eq!(wait("x-app-usage", r#"{"call_count":100}"#), USUAL_WAIT.as_secs());
    assert_eq!(wait("x-business-use-case-usage", "nonsense"), USUAL_WAIT.as_secs());
    assert_eq!(wait("retry-after", "7"), 7);
    let never = r#"{"a":[{"estimated_time_to_regain_access":18446744073709551615}]}"#;
    assert_eq!(wait("x-business-use-case-usage", never), LONGEST_WAIT.as_secs());
}

#[test]
fn an_error_does_not_repeat_the_token() {
    let body = json!({"error": {"message": format!("Malformed access token {TOKEN}"), "code": 190}});
    let error = refused(400, &HeaderMap::new(), &body);
    assert_eq!(error.text, "Malformed access token …");
    assert_eq!(error.kind, Kind::Credentials(None));
}

#[test]
fn the_host_is_told_whether_to_try_again() {
    let every = Duration::from_secs(300);
    let told = |kind| ApiError::new(kind, "code", "text").undelivered(every);
    let (code, text) = ("code".to_owned(), "text".to_owned());
    for kind in [Kind::OutsideWindow, Kind::Unavailable, Kind::Refused] {
        assert_eq!(told(kind), Undelivered::Permanent { code: code.clone(), text: text.clone() });
    }
    assert_eq!(told(Kind::Lost), Undelivered::Uncertain { code, text });
    let wait = |kind| match told(kind) {
        Undelivered::Later { after, account_wide, .. } => (after, account_wide),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(Kind::Credentials(None)), (Some(every), true));
    assert_eq!(wait(Kind::RateLimited(USUAL_WAIT)), (Some(USUAL_WAIT), true));
    assert_eq!(wait(Kind::Temporary), (None, false));
}
