//! What the claims of a token, or of an introspection answer, say: who it is, and from when until when.

use std::time::Duration;

use causeway_proto::{chat::User, id, time};
use serde_json::{Map, Value};

use super::{AuthError, Identity, micros};

/// The claims as they stand in the token, once its signature is good.
pub(super) type Claims = Map<String, Value>;

/// Longest name, in characters.
const MAX_NAME: usize = 150;
/// Longest mail address, in characters.
const MAX_EMAIL: usize = 254;
/// Longest audience, in characters.
const MAX_AUDIENCE: usize = 100;
/// The last second that RFC 3339 can print: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
/// How long a bearer is believed whose token says nothing about its end, as an opaque one need not.
const UNLIMITED: Duration = Duration::from_hours(24);

/// How claims are read.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The user's id is the first of these claims that is there.
    pub(super) identity_claims: Vec<String>,
    /// How far the clocks of issuer and bridge may be apart.
    pub(super) leeway: Duration,
    /// Who must have issued a token, where its key does not say; `None` for anybody.
    pub(super) issuer: Option<String>,
    /// Whom a token must be for, where its key does not say; `None` for anybody.
    pub(super) audience: Option<String>,
}

/// What is left of a good token: nothing in it is secret, and it is good for a while.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Testimony {
    user: User,
    /// Microseconds since the epoch.
    not_before: Option<i64>,
    /// Microseconds since the epoch.
    expires: i64,
}

impl Testimony {
    /// Who the bearer is at this time, in microseconds since the epoch.
    pub(super) fn at(self, now: i64, leeway: Duration) -> Result<Identity, AuthError> {
        let leeway = micros(leeway);
        if self.not_before.is_some_and(|start| start > now.saturating_add(leeway)) {
            return Err(AuthError::Invalid);
        }
        let last = self.expires.saturating_add(leeway);
        if now >= last {
            return Err(AuthError::Expired);
        }
        let ends = if now < self.expires { self.expires } else { last };
        Ok(Identity {
            user: self.user,
            expires_at: time::from_micros(self.expires),
            ends_at: time::from_micros(ends),
        })
    }
}

/// Reads the claims of a JWT; they must say when it expires.
pub(super) fn read(claims: &Claims, rules: &Rules) -> Result<Testimony, AuthError> {
    let expires = instant(claims, "exp")?.ok_or(AuthError::Invalid)?;
    testimony(claims, rules, expires)
}

/// Reads an introspection answer (RFC 7662 §2.2) that was given at `now`; it need not say when it ends.
pub(super) fn read_introspected(claims: &Claims, rules: &Rules, now: i64) -> Result<Testimony, AuthError> {
    let expires = instant(claims, "exp")?.unwrap_or(now.saturating_add(micros(UNLIMITED)));
    testimony(claims, rules, expires)
}

/// Whether the token is from this issuer and for this audience; `None` is content with any, and with none.
pub(super) fn is_for(claims: &Claims, issuer: Option<&str>, audience: Option<&str>) -> bool {
    let issued = issuer.is_none_or(|wanted| claims.get("iss").and_then(Value::as_str) == Some(wanted));
    let meant = audience.is_none_or(|wanted| match claims.get("aud") {
        Some(Value::String(given)) => given == wanted,
        Some(Value::Array(given)) => given.iter().any(|one| one.as_str() == Some(wanted)),
        _ => false,
    });
    issued && meant
}

fn testimony(claims: &Claims, rules: &Rules, expires: i64) -> Result<Testimony, AuthError> {
    Ok(Testimony { user: user(claims, rules)?, not_before: instant(claims, "nbf")?, expires })
}

fn user(claims: &Claims, rules: &Rules) -> Result<User, AuthError> {
    let given = rules
        .identity_claims
        .iter()
        .filter_map(|name| claims.get(name))
        .find(|value| !value.is_null())
        .and_then(number_or_string)
        .ok_or(AuthError::Invalid)?;
    let id = match id::read(&given).map_err(|_| AuthError::Invalid)? {
        id::Given::Canonical(id) => id,
        // The directory knows whose id this is the hash of.
        id::Given::Hashed(uuid) => uuid.to_string(),
    };
    Ok(User {
        id,
        username: text(claims, "username", MAX_NAME),
        name: text(claims, "name", MAX_NAME),
        first_name: text(claims, "first_name", MAX_NAME),
        last_name: text(claims, "last_name", MAX_NAME),
        email: whole_text(claims, "email", MAX_EMAIL),
        audiences: college(claims).into_iter().collect(),
        ..User::default()
    })
}

/// A NumericDate (RFC 7519 §2) in microseconds since the epoch. Anything but a number, a string of digits too, is wrong.
fn instant(claims: &Claims, name: &str) -> Result<Option<i64>, AuthError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = value.as_number().ok_or(AuthError::Invalid)?;
    let micros = match (number.as_i64(), number.as_f64()) {
        (Some(seconds), _) => seconds.clamp(-LAST_SECOND, LAST_SECOND) * 1_000_000,
        // What is not an i64 is a fraction or far away. The cast saturates, and cutting off what is finer is meant.
        (None, Some(seconds)) => (seconds.clamp(-LAST_SECOND as f64, LAST_SECOND as f64) * 1e6) as i64,
        (None, None) => return Err(AuthError::Invalid),
    };
    Ok(Some(micros))
}

/// An id as issuers write it: a string, or a whole number.
fn number_or_string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// A profile claim, without control characters and cut to `max` characters; empty when it is not a string.
fn text(claims: &Claims, name: &str, max: usize) -> String {
    let given = claims.get(name).and_then(Value::as_str).unwrap_or_default();
    given.trim().chars().filter(|c| !c.is_control()).take(max).collect()
}

/// A profile claim that is of no use when it is cut: empty when it is longer than `max` characters.
fn whole_text(claims: &Claims, name: &str, max: usize) -> String {
    let given = text(claims, name, max + 1);
    if given.chars().count() > max { String::new() } else { given }
}

fn college(claims: &Claims) -> Option<String> {
    let college = number_or_string(claims.get("college_id")?)?;
    let audience = format!("college:{college}");
    let fits = !college.is_empty()
        && audience.chars().count() <= MAX_AUDIENCE
        && !audience.chars().any(char::is_control);
    fits.then_some(audience)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        Rules {
            identity_claims: vec!["sub".into(), "user_id".into()],
            leeway: Duration::from_secs(5),
            issuer: None,
            audience: None,
        }
    }

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn user_of(value: Value) -> Result<User, AuthError> {
        user(&claims(value), &rules())
    }

    #[test]
    fn the_first_identity_claim_that_is_there_names_the_user() {
        assert_eq!(user_of(json!({"sub": "7", "user_id": 8})).unwrap().id, "7");
        assert_eq!(user_of(json!({"user_id": 8})).unwrap().id, "8");
        assert_eq!(user_of(json!({"sub": null, "user_id": 8})).unwrap().id, "8");
        for odd in [json!({}), json!({"sub": ""}), json!({"sub": true, "user_id": 8}), json!({"sub": 1.5})] {
            assert_eq!(user_of(odd), Err(AuthError::Invalid));
        }
    }

    #[test]
    fn a_uuid_that_stands_for_a_number_is_that_number() {
        let uuid = id::to_uuid("42").to_string();
        assert_eq!(user_of(json!({"sub": uuid})).unwrap().id, "42");
    }

    #[test]
    fn profile_claims_fill_the_user_and_odd_ones_are_left_out() {
        let user = user_of(json!({
            "sub": 1, "username": "jd", "name": "J\u{1b}[31m D\r\n", "first_name": 5, "last_name": "x".repeat(200),
            "email": format!("{}@x.example", "a".repeat(300)), "college_id": 5,
        }))
        .unwrap();
        assert_eq!(
            (user.username.as_str(), user.name.as_str(), user.first_name.as_str()),
            ("jd", "J[31m D", "")
        );
        assert_eq!((user.last_name.len(), user.email.as_str()), (150, ""));
        assert_eq!(user.audiences, ["college:5"]);
    }

    #[test]
    fn a_token_ends_when_it_says_or_with_the_leeway_when_it_was_late() {
        let testimony = |exp: f64| read(&claims(json!({"sub": 1, "exp": exp})), &rules()).unwrap();
        let leeway = rules().leeway;
        let early = testimony(100.5).at(100_000_000, leeway).unwrap();
        assert_eq!((early.ends_at, early.expires_at.nanos), (early.expires_at, 500_000_000));
        let late = testimony(100.0).at(104_999_999, leeway).unwrap();
        assert_eq!((late.expires_at.seconds, late.ends_at.seconds), (100, 105));
        assert_eq!(testimony(100.0).at(105_000_000, leeway), Err(AuthError::Expired));
    }

    #[test]
    fn a_time_beyond_all_calendars_is_the_last_one() {
        for far in [json!(u64::MAX), json!(1e300), json!(i64::MAX)] {
            let testimony = read(&claims(json!({"sub": 1, "exp": far})), &rules()).unwrap();
            assert_eq!(testimony.at(0, Duration::ZERO).unwrap().expires_at.seconds, LAST_SECOND);
        }
    }

    #[test]
    fn an_introspection_answer_without_an_end_is_believed_for_a_day() {
        let testimony = read_introspected(&claims(json!({"sub": 1})), &rules(), 0).unwrap();
        assert_eq!(testimony.at(0, Duration::ZERO).unwrap().expires_at.seconds, 24 * 60 * 60);
    }
}
