//! `[auth]`: the keys that tokens are verified with, and the credential of services.

use std::{collections::HashSet, io, path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{
    secret::Secret,
    section::{Invalid, Section, between},
    services::web_url,
    value,
};

/// Who may connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// What every gRPC call must bring; `None`: the file `service.token` in the data directory.
    #[serde(default)]
    pub service_token: Option<Secret>,
    /// By how much clocks may differ when `exp` and `nbf` are checked.
    #[serde(deserialize_with = "value::duration")]
    pub leeway: Duration,
    /// What `aud` must be, unless a key says otherwise.
    #[serde(default)]
    pub audience: Option<String>,
    /// What `iss` must be, unless a key says otherwise.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The user id is the first of these claims that is present.
    pub identity_claims: Vec<String>,
    /// Verification keys; empty: the file `signing.key` in the data directory, for HS256.
    pub keys: Vec<KeySettings>,
    /// Token introspection (RFC 7662); `None`: opaque tokens are refused.
    #[serde(default)]
    pub introspection: Option<IntrospectionSettings>,
}

/// One key, tied to one algorithm.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// Matched with a token's `kid`; `None` for tokens without one.
    #[serde(default)]
    pub id: Option<String>,
    /// The only algorithm that this key verifies.
    pub algorithm: Algorithm,
    /// Shared secret, for HS….
    #[serde(default)]
    pub secret: Option<Secret>,
    /// File with the shared secret, for HS….
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// PEM file with the public key, for the others.
    #[serde(default)]
    pub public_key_file: Option<PathBuf>,
    /// PEM file with the private key, with which `causeway token` signs.
    #[serde(default)]
    pub private_key_file: Option<PathBuf>,
    /// What `iss` must be for this key.
    #[serde(default)]
    pub issuer: Option<String>,
    /// What `aud` must be for this key.
    #[serde(default)]
    pub audience: Option<String>,
}

/// Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1) that a key can be tied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[expect(missing_docs, reason = "named as in the standards")]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    PS256,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    /// Whether one secret both signs and verifies.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

/// Where opaque tokens are asked about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionSettings {
    /// The endpoint, `https` or `http`.
    pub url: String,
    /// The bridge's own credentials there.
    pub client_id: String,
    /// See `client_id`.
    pub client_secret: Secret,
    /// How long an answer holds; never beyond the token's `exp`.
    #[serde(default = "half_a_minute", deserialize_with = "value::duration")]
    pub cache: Duration,
    /// How long to wait for an answer.
    #[serde(default = "three_seconds", deserialize_with = "value::duration")]
    pub timeout: Duration,
}

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn three_seconds() -> Duration {
    Duration::from_secs(3)
}

impl Section for AuthSettings {
    const NAME: &'static str = "auth";

    fn validate(&self) -> Result<(), Invalid> {
        between("leeway", self.leeway, Duration::ZERO, Duration::from_secs(300))?;
        if self.identity_claims.is_empty() || self.identity_claims.iter().any(String::is_empty) {
            let allowed = "names of claims, at least one";
            return Err(Invalid::new("identity_claims", "names no claim", allowed));
        }
        let mut ids = HashSet::new();
        for (index, key) in self.keys.iter().enumerate() {
            key.validate().map_err(|invalid| invalid.within(&format!("keys[{index}]")))?;
            if key.id.as_ref().is_some_and(|id| !ids.insert(id)) {
                let problem = "another key has the same id";
                return Err(Invalid::new(format!("keys[{index}].id"), problem, "an id of its own"));
            }
        }
        match &self.introspection {
            Some(introspection) => introspection.validate().map_err(|e| e.within("introspection")),
            None => Ok(()),
        }
    }
}

impl KeySettings {
    /// The shared secret of an HS… key, read from `secret_file` when it stands there; `None` for other algorithms. A
    /// line end at the end of the file is not part of it. Fails when the file cannot be read or is empty.
    pub fn shared_secret(&self) -> io::Result<Option<Secret>> {
        if !self.algorithm.is_symmetric() {
            return Ok(None);
        }
        match &self.secret_file {
            Some(file) => Secret::in_file(file).map(Some),
            None => Ok(self.secret.clone()),
        }
    }

    fn validate(&self) -> Result<(), Invalid> {
        let secrets = usize::from(self.secret.is_some()) + usize::from(self.secret_file.is_some());
        let pem = self.public_key_file.is_some();
        if self.algorithm.is_symmetric() {
            if secrets != 1 || pem || self.private_key_file.is_some() {
                let problem = format!("{:?} needs a shared secret and nothing else", self.algorithm);
                return Err(Invalid::new("algorithm", problem, "either `secret` or `secret_file` beside it"));
            }
        } else if !pem || secrets != 0 {
            let problem = format!("{:?} needs a public key and no shared secret", self.algorithm);
            return Err(Invalid::new("algorithm", problem, "`public_key_file` beside it"));
        }
        Ok(())
    }
}

impl IntrospectionSettings {
    fn validate(&self) -> Result<(), Invalid> {
        web_url("url", &self.url)?;
        between("cache", self.cache, Duration::ZERO, Duration::from_secs(3600))?;
        between("timeout", self.timeout, Duration::from_millis(100), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: Algorithm) -> KeySettings {
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

    #[test]
    fn an_algorithm_is_tied_to_its_kind_of_key() {
        let pem = Some(PathBuf::from("key.pem"));
        let secret = Secret::new("s");
        assert!(key(Algorithm::HS256).validate().is_err());
        assert!(KeySettings { secret: secret.clone(), ..key(Algorithm::HS256) }.validate().is_ok());
        assert!(KeySettings { public_key_file: pem.clone(), ..key(Algorithm::HS512) }.validate().is_err());
        assert!(key(Algorithm::ES256).validate().is_err());
        assert!(KeySettings { public_key_file: pem.clone(), ..key(Algorithm::EdDSA) }.validate().is_ok());
        let both = KeySettings { public_key_file: pem, secret, ..key(Algorithm::RS256) };
        assert_eq!(both.validate().unwrap_err().key, "algorithm");
    }

    #[test]
    fn a_line_end_is_not_part_of_the_secret_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "s3cret\r\n").unwrap();
        let read = KeySettings { secret_file: Some(file), ..key(Algorithm::HS256) }.shared_secret();
        assert_eq!(read.unwrap(), Secret::new("s3cret"));
    }
}
