//! Good tokens of every algorithm, and many that are not good.

use std::{fs, sync::LazyLock};

use causeway_config::{
    Secret,
    auth::{Algorithm as Configured, KeySettings},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use super::*;

mod forged;
mod opaque;

/// The time of these tests, in seconds since the epoch.
const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a secret of the tests that is long enough";

/// Something that signs, and the settings of the key that verifies it.
struct Issuer {
    algorithm: Algorithm,
    signing: EncodingKey,
    settings: KeySettings,
    public_pem: String,
    /// Holds the file that the settings name.
    _dir: tempfile::TempDir,
}

struct Pairs {
    rsa: KeyPair,
    p256: KeyPair,
    p384: KeyPair,
    ed25519: KeyPair,
}

/// RSA keys are slow to make: once is enough.
static PAIRS: LazyLock<Pairs> = LazyLock::new(|| Pairs {
    rsa: KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(),
    p256: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
    p384: KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
    ed25519: KeyPair::generate_for(&PKCS_ED25519).unwrap(),
});

const ALL: [Configured; 8] = [
    Configured::HS256,
    Configured::HS384,
    Configured::HS512,
    Configured::RS256,
    Configured::PS256,
    Configured::ES256,
    Configured::ES384,
    Configured::EdDSA,
];

impl Issuer {
    fn new(configured: Configured) -> Self {
        match configured {
            Configured::HS256 => Self::symmetric(configured, Algorithm::HS256),
            Configured::HS384 => Self::symmetric(configured, Algorithm::HS384),
            Configured::HS512 => Self::symmetric(configured, Algorithm::HS512),
            Configured::RS256 => Self::asymmetric(configured, Algorithm::RS256, &PAIRS.rsa),
            Configured::PS256 => Self::asymmetric(configured, Algorithm::PS256, &PAIRS.rsa),
            Configured::ES256 => Self::asymmetric(configured, Algorithm::ES256, &PAIRS.p256),
            Configured::ES384 => Self::asymmetric(configured, Algorithm::ES384, &PAIRS.p384),
            Configured::EdDSA => Self::asymmetric(configured, Algorithm::EdDSA, &PAIRS.ed25519),
        }
    }

    fn symmetric(configured: Configured, algorithm: Algorithm) -> Self {
        let settings = KeySettings { secret: Secret::new(SECRET), ..settings(configured) };
        let signing = EncodingKey::from_secret(SECRET.as_bytes());
        Self { algorithm, signing, settings, public_pem: String::new(), _dir: tempfile::tempdir().unwrap() }
    }

    fn asymmetric(configured: Configured, algorithm: Algorithm, pair: &KeyPair) -> Self {
        let (dir, public_pem, private_pem) =
            (tempfile::tempdir().unwrap(), pair.public_key_pem(), pair.serialize_pem());
        let file = dir.path().join("public.pem");
        fs::write(&file, &public_pem).unwrap();
        let read = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem,
            Algorithm::EdDSA => EncodingKey::from_ed_pem,
            _ => EncodingKey::from_rsa_pem,
        };
        Self {
            algorithm,
            signing: read(private_pem.as_bytes()).unwrap(),
            settings: KeySettings { public_key_file: Some(file), ..settings(configured) },
            public_pem,
            _dir: dir,
        }
    }

    fn token(&self, claims: &Value) -> String {
        encode(&Header::new(self.algorithm), claims, &self.signing).unwrap()
    }

    /// A token whose header says anything, with a signature that this issuer made over it.
    fn token_with_header(&self, header: &str, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header), base64(&claims.to_string()));
        let signature = crypto::sign(message.as_bytes(), &self.signing, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

fn settings(algorithm: Configured) -> KeySettings {
    KeySettings {
        id: None,
        algorithm,
        secret: None,
        secret_file: None,
        public_key_file: None,
        private_key_file: None,
        issuer: None,
        audience: None,
    }
}

fn base64(text: &str) -> String {
    use ::base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(text)
}

fn auth(keys: &[KeySettings]) -> Auth {
    auth_with(keys, |_| {})
}

fn auth_with(keys: &[KeySettings], change: impl FnOnce(&mut AuthSettings)) -> Auth {
    let mut settings = AuthSettings {
        service_token: None,
        leeway: Duration::from_secs(5),
        audience: None,
        issuer: None,
        identity_claims: vec!["sub".into(), "user_id".into()],
        keys: keys.to_vec(),
        introspection: None,
    };
    change(&mut settings);
    Auth::load(&settings, Path::new("/nowhere"), Clock::manual(NOW * 1_000_000)).unwrap()
}

/// The user id that the token gets, or why it gets none.
async fn verdict(auth: &Auth, token: &str) -> Result<String, AuthError> {
    auth.verify(&Token(token.to_owned()), false).await.map(|identity| identity.user.id)
}

fn good() -> Value {
    json!({"sub": "7", "exp": NOW + 3600})
}

fn with(changes: Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn every_algorithm_is_good_with_its_own_key_and_with_no_other() {
    let issuers = ALL.map(Issuer::new);
    for verifying in &issuers {
        let auth = auth(std::slice::from_ref(&verifying.settings));
        for signing in &issuers {
            let expected = if signing.algorithm == verifying.algorithm {
                Ok("7".to_owned())
            } else {
                Err(AuthError::Invalid)
            };
            let met = (signing.algorithm, verifying.algorithm);
            assert_eq!(verdict(&auth, &signing.token(&good())).await, expected, "{met:?}");
        }
    }
}

#[tokio::test]
async fn several_keys_are_good_side_by_side_and_a_kid_chooses() {
    let old = Issuer::new(Configured::HS256);
    let named = |id: &str, secret: &str| KeySettings {
        id: Some(id.to_owned()),
        secret: Secret::new(secret),
        ..settings(Configured::HS256)
    };
    let auth = auth(&[
        named("2025", "another secret"),
        named("2026", SECRET),
        Issuer::new(Configured::ES256).settings,
    ]);
    assert_eq!(verdict(&auth, &old.token(&good())).await, Ok("7".to_owned()));
    assert_eq!(verdict(&auth, &Issuer::new(Configured::ES256).token(&good())).await, Ok("7".to_owned()));
    for (kid, expected) in
        [("2026", Ok("7".to_owned())), ("2025", Err(AuthError::Invalid)), ("2024", Err(AuthError::Invalid))]
    {
        let token = old.token_with_header(&format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), &good());
        assert_eq!(verdict(&auth, &token).await, expected, "{kid}");
    }
}

#[tokio::test]
async fn issuer_and_audience_are_the_keys_own_or_those_of_all() {
    let issuer = Issuer::new(Configured::HS256);
    let own =
        KeySettings { issuer: Some("own".into()), audience: Some("us".into()), ..issuer.settings.clone() };
    let for_all = |settings: &mut AuthSettings| {
        settings.issuer = Some("all".into());
        settings.audience = Some("bridge".into());
    };
    let (own, all) = (auth_with(&[own], for_all), auth_with(std::slice::from_ref(&issuer.settings), for_all));
    for (claims, by_own, by_all) in [
        (json!({"iss": "own", "aud": "us"}), true, false),
        (json!({"iss": "all", "aud": "bridge"}), false, true),
        (json!({"iss": "all", "aud": ["x", "bridge"]}), false, true),
        (json!({"iss": "all", "aud": []}), false, false),
        (json!({"iss": "all"}), false, false),
        (json!({"aud": "bridge"}), false, false),
        (json!({"iss": ["all"], "aud": "bridge"}), false, false),
        (json!({"iss": "all", "aud": {"bridge": 1}}), false, false),
        (json!({"iss": "ALL", "aud": "bridge"}), false, false),
        (json!({}), false, false),
    ] {
        let token = issuer.token(&with(claims.clone()));
        assert_eq!(verdict(&own, &token).await.is_ok(), by_own, "{claims}");
        assert_eq!(verdict(&all, &token).await.is_ok(), by_all, "{claims}");
    }
}

#[tokio::test]
async fn without_keys_the_signing_key_of_the_data_directory_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("signing.key");
    let settings = AuthSettings {
        service_token: None,
        leeway: Duration::ZERO,
        audience: None,
        issuer: None,
        identity_claims: vec!["sub".into()],
        keys: Vec::new(),
        introspection: None,
    };
    let load = || Auth::load(&settings, &file, Clock::manual(NOW * 1_000_000));
    assert!(load().unwrap_err().to_string().contains("signing.key"));
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    let token = Issuer::new(Configured::HS256).token(&good());
    assert_eq!(verdict(&load().unwrap(), &token).await, Ok("7".to_owned()));
}

#[test]
fn a_file_that_is_not_the_algorithms_public_key_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let load = |algorithm, pem: &str| {
        let file = dir.path().join("key.pem");
        fs::write(&file, pem).unwrap();
        Key::load(&KeySettings { public_key_file: Some(file), ..settings(algorithm) }).unwrap_err()
    };
    let (rsa, p256, p384, ed25519) = (
        PAIRS.rsa.public_key_pem(),
        PAIRS.p256.public_key_pem(),
        PAIRS.p384.public_key_pem(),
        PAIRS.ed25519.public_key_pem(),
    );
    for (algorithm, pem) in [
        (Configured::RS256, &p256),
        (Configured::PS256, &ed25519),
        (Configured::ES256, &p384),
        (Configured::ES384, &p256),
        (Configured::ES256, &rsa),
        (Configured::EdDSA, &p256),
        (Configured::RS256, &"not PEM at all".to_owned()),
    ] {
        assert!(
            matches!(load(algorithm, pem), KeyError::NotThisAlgorithm(named) if named == algorithm),
            "{algorithm:?}"
        );
    }
    assert!(matches!(load(Configured::ES256, &PAIRS.p256.serialize_pem()), KeyError::Private));
    assert!(matches!(Key::load(&settings(Configured::HS256)), Err(KeyError::Missing)));
    assert!(matches!(Key::load(&settings(Configured::RS256)), Err(KeyError::Missing)));
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let auth = auth_with(&[Issuer::new(Configured::HS256).settings], |settings| {
        settings.introspection = Some(opaque::endpoint("http://127.0.0.1:1/"));
    });
    let printed = format!("{auth:?} {:?}", Token("canary".into()));
    for secret in [SECRET, opaque::CLIENT_SECRET, "canary"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
