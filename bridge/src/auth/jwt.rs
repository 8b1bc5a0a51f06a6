//! JSON Web Tokens (RFC 7519) with a signature (RFC 7515).
//!
//! Of a token's header two words count: `alg`, which must be the algorithm of a configured key, and `kid`, which narrows
//! the choice down. Keys never come from the token, so `jwk`, `jku`, `x5c` and `x5u` are not looked at.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::{
    AuthError,
    claims::{self, Claims, Rules, Testimony},
    key::Key,
};

/// Whether a token has the shape of a signed JWT: three parts, of which the first is a JSON object. It says nothing about
/// whether it is a good one.
pub(super) fn is_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let header = URL_SAFE_NO_PAD.decode(header).ok();
    header.is_some_and(|json| serde_json::from_slice::<Map<String, Value>>(&json).is_ok())
}

/// What the token says, when one of the keys signed it and it is meant for us. Times are not looked at yet.
pub(super) fn verify(token: &str, keys: &[Key], rules: &Rules) -> Result<Testimony, AuthError> {
    let header = decode_header(token).map_err(|_| AuthError::Invalid)?;
    // RFC 7515 §4.1.11: what is critical and not understood makes the token invalid, and we understand none of it.
    if header.crit.is_some() {
        return Err(AuthError::Invalid);
    }
    for key in keys.iter().filter(|key| key.fits(header.alg, header.kid.as_deref())) {
        let Some(claims) = signed_claims(token, key) else { continue };
        let issuer = key.issuer.as_deref().or(rules.issuer.as_deref());
        let audience = key.audience.as_deref().or(rules.audience.as_deref());
        if claims::is_for(&claims, issuer, audience) {
            return claims::read(&claims, rules);
        }
    }
    Err(AuthError::Invalid)
}

fn signed_claims(token: &str, key: &Key) -> Option<Claims> {
    decode::<Claims>(token, &key.verifying, &only_signature(key.algorithm)).map(|data| data.claims).ok()
}

/// Times, issuer and audience are checked in [`claims`], by our clock and by one set of rules for every kind of token.
fn only_signature(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
