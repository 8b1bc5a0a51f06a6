//! Tokens that somebody made up, or bent.

use super::*;

/// Tokens that are wrong in one thing each, for a bridge with an HS256 and an RS256 key.
fn forged(hs: &Issuer, rs: &Issuer) -> Vec<(&'static str, String)> {
    let valid = hs.token(&good());
    let parts: Vec<&str> = valid.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let unsigned = |header: &str| format!("{}.{}.", base64(header), base64(&good().to_string()));
    let signed = |header: &str| hs.token_with_header(header, &good());
    let claiming = |claims: Value| hs.token_with_header(r#"{"alg":"HS256","typ":"JWT"}"#, &claims);
    let stolen = EncodingKey::from_secret(rs.public_pem.as_bytes());
    let confused = encode(&Header::new(Algorithm::HS256), &good(), &stolen).unwrap();
    let guessed =
        encode(&Header::new(Algorithm::HS256), &good(), &EncodingKey::from_secret(b"secret")).unwrap();
    let nothing = encode(&Header::new(Algorithm::HS256), &good(), &EncodingKey::from_secret(b"")).unwrap();
    let other_claims = base64(&with(json!({"sub": "admin"})).to_string());
    let mut bent = signature.to_owned();
    let first = if bent.remove(0) == 'A' { 'B' } else { 'A' };
    bent.insert(0, first);
    vec![
        ("not a token", "abc".to_owned()),
        ("dots alone", "..".to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{valid}.{signature}")),
        ("five parts, as of an encrypted token", format!("{valid}.{signature}.{signature}")),
        ("no signature", format!("{header}.{claims}.")),
        ("a signature cut short", valid[..valid.len() - 4].to_owned()),
        ("a bent signature", format!("{header}.{claims}.{bent}")),
        ("a signature of something else", format!("{header}.{other_claims}.{signature}")),
        ("padding", format!("{valid}=")),
        ("space around it", format!(" {valid} ")),
        ("a line break in it", format!("{header}.\n{claims}.{signature}")),
        ("base64 of the other alphabet", format!("{header}.{claims}.+/+/{}", &signature[4..])),
        ("alg none", unsigned(r#"{"alg":"none"}"#)),
        ("alg None", unsigned(r#"{"alg":"None"}"#)),
        ("alg NONE with a signature", signed(r#"{"alg":"NONE"}"#)),
        ("alg of nothing", unsigned(r#"{"alg":""}"#)),
        ("alg null", signed(r#"{"alg":null}"#)),
        ("no alg", signed(r#"{"typ":"JWT"}"#)),
        ("alg in lower case", signed(r#"{"alg":"hs256"}"#)),
        ("an alg that no key has", signed(r#"{"alg":"HS512"}"#)),
        ("an alg of another family", signed(r#"{"alg":"RS256"}"#)),
        ("an alg nobody knows", signed(r#"{"alg":"HS257"}"#)),
        ("a list of algs", signed(r#"{"alg":["HS256"]}"#)),
        ("the public key as the secret", confused),
        ("a guessed secret", guessed),
        ("the empty secret", nothing),
        ("a header that is a list", signed(r#"["HS256"]"#)),
        ("a header that is cut", signed(r#"{"alg":"HS256""#)),
        ("a critical extension", signed(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#)),
        ("an unencoded payload", signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#)),
        ("a kid that is a number", signed(r#"{"alg":"HS256","kid":1}"#)),
        ("claims that are a list", claiming(json!(["sub", "7"]))),
        ("claims that are a string", claiming(json!("sub"))),
        ("no exp", claiming(json!({"sub": "7"}))),
        ("exp null", claiming(with(json!({"exp": null})))),
        ("exp as a string", claiming(with(json!({"exp": (NOW + 3600).to_string()})))),
        ("exp as a bool", claiming(with(json!({"exp": true})))),
        ("exp as a list", claiming(with(json!({"exp": [NOW + 3600]})))),
        ("not before tomorrow", claiming(with(json!({"nbf": NOW + 86_400})))),
        ("nbf as a string", claiming(with(json!({"nbf": "0"})))),
        ("no user", claiming(json!({"exp": NOW + 3600}))),
        ("an empty user", claiming(with(json!({"sub": ""})))),
        ("a user that is a path", claiming(with(json!({"sub": "../admin"})))),
        ("a user that is an object", claiming(with(json!({"sub": {"id": 7}})))),
        ("a user with a line break", claiming(with(json!({"sub": "7\r\nX: y"})))),
        ("a user that is too long", claiming(with(json!({"sub": "x".repeat(129)})))),
        ("a token that is too long", claiming(with(json!({"pad": "x".repeat(8 * 1024)})))),
        ("deeply nested claims", hs.token_with_header(r#"{"alg":"HS256"}"#, &nested(200))),
    ]
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({"sub": {}}), |inner, _| json!({"sub": inner}))
}

#[tokio::test]
async fn what_is_forged_is_invalid_and_nothing_else() {
    let (hs, rs) = (Issuer::new(Configured::HS256), Issuer::new(Configured::RS256));
    let auth = auth(&[hs.settings.clone(), rs.settings.clone()]);
    assert_eq!(verdict(&auth, &hs.token(&good())).await, Ok("7".to_owned()));
    assert_eq!(verdict(&auth, &rs.token(&good())).await, Ok("7".to_owned()));
    for (what, token) in forged(&hs, &rs) {
        assert_eq!(verdict(&auth, &token).await, Err(AuthError::Invalid), "{what}");
    }
}

#[tokio::test]
async fn keys_and_places_that_a_token_names_itself_are_not_looked_at() {
    let (hs, es) = (Issuer::new(Configured::HS256), Issuer::new(Configured::ES256));
    let auth = auth(&[KeySettings { id: Some("2026".into()), ..hs.settings.clone() }]);
    let jwk = r#"{"kty":"oct","k":"c2VjcmV0"}"#;
    for (what, header) in [
        ("an embedded key", format!(r#"{{"alg":"ES256","jwk":{jwk}}}"#)),
        ("a place of keys", r#"{"alg":"ES256","jku":"http://127.0.0.1:1/keys"}"#.to_owned()),
        ("a place of certificates", r#"{"alg":"ES256","x5u":"http://127.0.0.1:1/chain"}"#.to_owned()),
        ("a certificate", r#"{"alg":"ES256","x5c":["AAAA"]}"#.to_owned()),
    ] {
        let token = es.token_with_header(&header, &good());
        assert_eq!(verdict(&auth, &token).await, Err(AuthError::Invalid), "{what}");
    }
    for kid in
        ["../../dev/null", "' OR 1=1 --", "/proc/self/environ", "http://127.0.0.1:1/", "2026\\u0000", ""]
    {
        let token = hs.token_with_header(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &good());
        assert_eq!(verdict(&auth, &token).await, Err(AuthError::Invalid), "{kid}");
    }
    // A good signature stays good: what stands beside it is not looked at.
    let token = hs.token_with_header(
        &format!(r#"{{"alg":"HS256","kid":"2026","jku":"http://127.0.0.1:1/","jwk":{jwk}}}"#),
        &good(),
    );
    assert_eq!(verdict(&auth, &token).await, Ok("7".to_owned()));
}

#[tokio::test]
async fn only_a_token_with_which_nothing_else_is_wrong_is_expired() {
    let issuer = Issuer::new(Configured::HS256);
    let auth = auth_with(std::slice::from_ref(&issuer.settings), |settings| {
        settings.audience = Some("bridge".into())
    });
    let late = |changes: Value| {
        let mut claims = with(json!({"exp": NOW - 60, "aud": "bridge"}));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    assert_eq!(verdict(&auth, &issuer.token(&late(json!({})))).await, Err(AuthError::Expired));
    for odd in [json!({"aud": "other"}), json!({"sub": ""}), json!({"nbf": "x"})] {
        assert_eq!(verdict(&auth, &issuer.token(&late(odd.clone()))).await, Err(AuthError::Invalid), "{odd}");
    }
    let forged =
        encode(&Header::new(Algorithm::HS256), &late(json!({})), &EncodingKey::from_secret(b"x")).unwrap();
    assert_eq!(verdict(&auth, &forged).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn times_are_given_a_leeway_and_may_be_fractions() {
    let issuer = Issuer::new(Configured::HS256);
    let auth = auth(std::slice::from_ref(&issuer.settings));
    for (claims, expected) in [
        (json!({"exp": NOW - 4}), Ok("7".to_owned())),
        (json!({"exp": NOW - 5}), Err(AuthError::Expired)),
        (json!({"exp": NOW as f64 + 0.5}), Ok("7".to_owned())),
        (json!({"exp": -1}), Err(AuthError::Expired)),
        (json!({"exp": 0}), Err(AuthError::Expired)),
        (json!({"exp": u64::MAX}), Ok("7".to_owned())),
        (json!({"exp": 1e300}), Ok("7".to_owned())),
        (json!({"nbf": NOW + 5}), Ok("7".to_owned())),
        (json!({"nbf": NOW + 6}), Err(AuthError::Invalid)),
        (json!({"iat": NOW + 3600}), Ok("7".to_owned())),
    ] {
        assert_eq!(verdict(&auth, &issuer.token(&with(claims.clone()))).await, expected, "{claims}");
    }
}

#[tokio::test]
async fn no_token_is_told_from_a_bad_one() {
    let auth = auth(&[Issuer::new(Configured::HS256).settings]);
    assert_eq!(verdict(&auth, "").await, Err(AuthError::NoToken));
    assert_eq!(verdict(&auth, "undefined").await, Err(AuthError::Invalid));
}
