//! One key of each algorithm, made anew for each test.

use std::path::PathBuf;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use tempfile::TempDir;

/// The algorithms that tokens may have.
pub(super) const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A key for each of [`ALGORITHMS`], and their settings.
pub(super) struct KeyRing {
    keys: Vec<Key>,
    home: TempDir,
}

struct Key {
    algorithm: Algorithm,
    signer: EncodingKey,
    /// PEM of the public key, or the secret itself.
    public: String,
}

impl KeyRing {
    /// New keys.
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let ring = Self { keys: ALGORITHMS.map(Key::new).into(), home };
        for key in ring.keys.iter().filter(|key| !is_secret(key.algorithm)) {
            std::fs::write(ring.file(key), &key.public).unwrap();
        }
        ring
    }

    /// What signs tokens of an algorithm.
    pub(super) fn signer(&self, algorithm: Algorithm) -> &EncodingKey {
        &self.key(algorithm).signer
    }

    /// What everybody may know of a key, as PEM.
    pub(super) fn public_pem(&self, algorithm: Algorithm) -> &str {
        &self.key(algorithm).public
    }

    /// The lines of a configuration file that make the keys known.
    pub(super) fn settings(&self) -> String {
        let lines = self.keys.iter().map(|key| {
            let source = if is_secret(key.algorithm) {
                format!("secret = {:?}", key.public)
            } else {
                format!("public_key_file = {:?}", self.file(key))
            };
            format!("[[auth.keys]]\nalgorithm = \"{:?}\"\n{source}\n", key.algorithm)
        });
        lines.collect()
    }

    fn key(&self, algorithm: Algorithm) -> &Key {
        self.keys.iter().find(|key| key.algorithm == algorithm).unwrap()
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.home.path().join(format!("{:?}.pem", key.algorithm))
    }
}

impl Key {
    fn new(algorithm: Algorithm) -> Self {
        if is_secret(algorithm) {
            let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
            return Self { algorithm, signer: EncodingKey::from_secret(secret.as_bytes()), public: secret };
        }
        let pair = KeyPair::generate_for(match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        });
        let pair = pair.unwrap();
        let private = pair.serialize_pem();
        let signer = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(private.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(private.as_bytes()),
            _ => EncodingKey::from_rsa_pem(private.as_bytes()),
        };
        Self { algorithm, signer: signer.unwrap(), public: pair.public_key_pem() }
    }
}

fn is_secret(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// A token with the algorithm `none`.
pub(super) fn unsigned(claims: &serde_json::Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(r#"{"alg":"none","typ":"JWT"}"#), part(&claims.to_string()))
}
