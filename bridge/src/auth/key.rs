//! A key that tokens may be signed with. It belongs to one algorithm: a token that names another is not checked with it.

use std::{
    io,
    path::{Path, PathBuf},
};

use causeway_config::{
    AuthSettings,
    auth::{Algorithm as Configured, KeySettings},
};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

/// A secret should have as many bytes as the shortest digest made with it (RFC 7518 §3.2).
const STRONG_SECRET_BYTES: usize = 32;
/// Shortest encoding of an RSA public key that is long enough (2048 bits): the modulus alone takes 256 bytes.
const MIN_RSA_BYTES: usize = 256;
/// An uncompressed point on P-256 and on P-384.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;

/// A verification key.
#[derive(Clone)]
pub struct Key {
    /// A token with a `kid` is checked only with keys of that id, and with those that have none.
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) verifying: DecodingKey,
    /// Who must have issued the tokens of this key, where it is not the issuer of all.
    pub(super) issuer: Option<String>,
    /// Whom the tokens of this key must be for, where it is not the audience of all.
    pub(super) audience: Option<String>,
}

/// Which key cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {error}")]
pub struct LoadError {
    /// Its place in the settings, or the file that stands for them.
    place: String,
    error: KeyError,
}

/// Why something cannot be a key. None of it repeats the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file cannot be read.
    #[error("cannot read {file}: {error}")]
    File {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The settings name neither a secret nor a file.
    #[error("the key itself is missing")]
    Missing,
    /// A private key where the public one is enough.
    #[error("this is a private key; give the public key, and keep the private one with the issuer")]
    Private,
    /// Not PEM, or the key of another algorithm.
    #[error("this is not a public key for {0:?} in PEM")]
    NotThisAlgorithm(Configured),
    /// An RSA key that can be broken.
    #[error("an RSA key must have at least 2048 bits")]
    WeakRsa,
}

/// The keys that the settings name; where they name none, the one secret in `signing_key`, for HS256.
pub(super) fn load(settings: &AuthSettings, signing_key: &Path) -> Result<Vec<Key>, LoadError> {
    if settings.keys.is_empty() {
        let place = |error| LoadError { place: "the signing key".to_owned(), error };
        return Ok(vec![Key::load(&local(signing_key)).map_err(place)?]);
    }
    let keys = settings.keys.iter().enumerate();
    keys.map(|(index, key)| {
        Key::load(key).map_err(|error| LoadError { place: format!("auth.keys[{index}]"), error })
    })
    .collect()
}

/// The settings that a file with a secret stands for.
fn local(signing_key: &Path) -> KeySettings {
    KeySettings {
        id: None,
        algorithm: Configured::HS256,
        secret: None,
        secret_file: Some(signing_key.to_owned()),
        public_key_file: None,
        private_key_file: None,
        issuer: None,
        audience: None,
    }
}

impl Key {
    /// Reads one key, and the file that it stands in.
    pub fn load(settings: &KeySettings) -> Result<Self, KeyError> {
        let verifying = if settings.algorithm.is_symmetric() {
            let secret = settings.shared_secret().map_err(|error| {
                let file = settings.secret_file.clone().unwrap_or_default();
                KeyError::File { file, error }
            })?;
            let secret = secret.ok_or(KeyError::Missing)?;
            if secret.expose().len() < STRONG_SECRET_BYTES {
                tracing::warn!(algorithm = ?settings.algorithm, "a secret shorter than {STRONG_SECRET_BYTES} bytes can be guessed");
            }
            DecodingKey::from_secret(secret.expose().as_bytes())
        } else {
            let file = settings.public_key_file.as_ref().ok_or(KeyError::Missing)?;
            let pem = std::fs::read(file).map_err(|error| KeyError::File { file: file.clone(), error })?;
            from_pem(settings.algorithm, &pem)?
        };
        Ok(Self {
            id: settings.id.clone(),
            algorithm: algorithm(settings.algorithm),
            verifying,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
        })
    }

    /// Whether a token whose header says this may have been signed with it.
    pub(super) fn fits(&self, algorithm: Algorithm, kid: Option<&str>) -> bool {
        let same_id = match (&self.id, kid) {
            (Some(id), Some(kid)) => id == kid,
            (None, _) | (_, None) => true,
        };
        self.algorithm == algorithm && same_id
    }
}

/// A public key or certificate in PEM. That it belongs to the algorithm is found out now and not with the first token.
fn from_pem(configured: Configured, pem: &[u8]) -> Result<DecodingKey, KeyError> {
    if String::from_utf8_lossy(pem).contains("PRIVATE KEY") {
        return Err(KeyError::Private);
    }
    let key = match algorithm(configured).family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem),
        AlgorithmFamily::Hmac => return Err(KeyError::Missing),
    };
    let key = key.map_err(|_| KeyError::NotThisAlgorithm(configured))?;
    let bytes = key.try_get_as_bytes().map_or(0, <[u8]>::len);
    match configured {
        Configured::RS256 | Configured::PS256 if bytes < MIN_RSA_BYTES => Err(KeyError::WeakRsa),
        Configured::ES256 if bytes != P256_POINT_BYTES => Err(KeyError::NotThisAlgorithm(configured)),
        Configured::ES384 if bytes != P384_POINT_BYTES => Err(KeyError::NotThisAlgorithm(configured)),
        _ => Ok(key),
    }
}

fn algorithm(configured: Configured) -> Algorithm {
    match configured {
        Configured::HS256 => Algorithm::HS256,
        Configured::HS384 => Algorithm::HS384,
        Configured::HS512 => Algorithm::HS512,
        Configured::RS256 => Algorithm::RS256,
        Configured::PS256 => Algorithm::PS256,
        Configured::ES256 => Algorithm::ES256,
        Configured::ES384 => Algorithm::ES384,
        Configured::EdDSA => Algorithm::EdDSA,
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
