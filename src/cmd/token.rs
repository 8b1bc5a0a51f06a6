//! `causeway token`: a token for a user, signed with the configured key or the data directory's. No server is asked.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, anyhow};
use causeway_config::{
    AuthSettings, Secret,
    auth::{Algorithm as Named, KeySettings},
    parse_duration,
};
use causeway_proto::time::Clock;
use clap::Args;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value};

use crate::{cli::Global, cmd, data_dir::DataDir, failure::Usage, output};

/// Prints a token for a user, and nothing else.
///
/// It is signed with the first configured key that has a secret or a private key, or with the data directory's; no server
/// is asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway token --user alice
  causeway token --user 7 --claim name=\"Ann Doe\" --claim college_id=5 --ttl 8h
  wscat -c \"ws://127.0.0.1:8000/ws/group/lobby/?token=$(causeway token --user alice)\"")]
pub(crate) struct Token {
    /// Id of the user
    #[arg(long, value_parser = cmd::id)]
    user: String,
    /// A further claim; numbers, true and false as in JSON, anything else is text; may be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// How long it is good for, as 90s, 1h or 7d
    #[arg(long, default_value = "1h", value_parser = ttl)]
    ttl: Duration,
    /// Id of the configured key to sign with
    #[arg(long, value_name = "ID")]
    key: Option<String>,
}

fn claim(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), claim_value(value))),
        _ => Err("write a claim as NAME=VALUE".to_owned()),
    }
}

fn claim_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::from(text),
    }
}

fn ttl(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write a duration as 90s, 1h or 7d".to_owned())
}

impl Token {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut settings = global.load(Vec::new())?.settings;
        if settings.auth.keys.is_empty() {
            let key = DataDir::open(&settings.data_dir)?.signing_key()?;
            settings.auth.keys.push(default_key(key.secret));
        }
        output::line(&self.sign(&settings.auth, &Clock::default())?)
    }

    fn sign(self, auth: &AuthSettings, clock: &Clock) -> anyhow::Result<String> {
        let key = signing_key(auth, self.key.as_deref())?;
        let now = clock.now_micros() / 1_000_000;
        let subject = auth.identity_claims.first().map_or("sub", String::as_str);
        let mut claims = Map::new();
        claims.insert(subject.to_owned(), self.user.into());
        claims.insert("iat".to_owned(), now.into());
        claims.insert("exp".to_owned(), now.saturating_add_unsigned(self.ttl.as_secs()).into());
        for (name, value) in [
            ("iss", key.issuer.as_ref().or(auth.issuer.as_ref())),
            ("aud", key.audience.as_ref().or(auth.audience.as_ref())),
        ] {
            claims.extend(value.map(|value| (name.to_owned(), Value::from(value.as_str()))));
        }
        claims.extend(self.claims);
        let header = Header { kid: key.id.clone(), ..Header::new(algorithm(key.algorithm)) };
        jsonwebtoken::encode(&header, &claims, &encoding_key(key)?)
            .context("cannot sign a token with this key")
    }
}

/// What the bridge verifies with when no key is configured.
fn default_key(secret: Secret) -> KeySettings {
    KeySettings {
        id: None,
        algorithm: Named::HS256,
        secret: Some(secret),
        secret_file: None,
        public_key_file: None,
        private_key_file: None,
        issuer: None,
        audience: None,
    }
}

/// The key of that id, or the first that can sign.
fn signing_key<'a>(auth: &'a AuthSettings, id: Option<&str>) -> anyhow::Result<&'a KeySettings> {
    let signs = |key: &&KeySettings| key.algorithm.is_symmetric() || key.private_key_file.is_some();
    let mut keys = auth.keys.iter().filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)));
    match (keys.clone().find(signs), keys.next(), id) {
        (Some(key), _, _) => Ok(key),
        (None, None, Some(id)) => Err(Usage::error(format!("--key {id}: no key of that id in auth.keys"))),
        (None, _, _) => {
            let way_out =
                "give one a private_key_file or a secret, or let whoever issues your tokens make one";
            Err(anyhow!("no key in auth.keys can sign: {way_out}"))
        }
    }
}

fn encoding_key(key: &KeySettings) -> anyhow::Result<EncodingKey> {
    if let Some(secret) = key.shared_secret().context("cannot read auth.keys' secret_file")? {
        return Ok(EncodingKey::from_secret(secret.expose().as_bytes()));
    }
    let file = key.private_key_file.as_deref().unwrap_or(Path::new(""));
    let pem = fs::read(file).with_context(|| format!("cannot read the private key {}", file.display()))?;
    let read = match key.algorithm {
        Named::RS256 | Named::PS256 => EncodingKey::from_rsa_pem(&pem),
        Named::ES256 | Named::ES384 => EncodingKey::from_ec_pem(&pem),
        Named::EdDSA => EncodingKey::from_ed_pem(&pem),
        Named::HS256 | Named::HS384 | Named::HS512 => return Err(anyhow!("a key for HS… has no PEM file")),
    };
    read.map_err(|_| anyhow!("{} is not a private key for {:?} in PEM", file.display(), key.algorithm))
}

fn algorithm(named: Named) -> Algorithm {
    match named {
        Named::HS256 => Algorithm::HS256,
        Named::HS384 => Algorithm::HS384,
        Named::HS512 => Algorithm::HS512,
        Named::RS256 => Algorithm::RS256,
        Named::PS256 => Algorithm::PS256,
        Named::ES256 => Algorithm::ES256,
        Named::ES384 => Algorithm::ES384,
        Named::EdDSA => Algorithm::EdDSA,
    }
}

#[cfg(test)]
mod tests {
    use causeway_config::{Settings, Sources};
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    fn auth(keys: &str) -> AuthSettings {
        let environment = vec![
            ("CAUSEWAY_AUTH__KEYS".to_owned(), keys.to_owned()),
            ("CAUSEWAY_AUTH__AUDIENCE".to_owned(), "bridge".to_owned()),
        ];
        Settings::load(&Sources { environment, ..Sources::default() }).unwrap().settings.auth
    }

    fn token(claims: &[&str]) -> Token {
        Token {
            user: "7".to_owned(),
            claims: claims.iter().map(|text| claim(text).unwrap()).collect(),
            ttl: Duration::from_secs(60),
            key: None,
        }
    }

    #[test]
    fn a_token_says_who_until_when_and_what_was_claimed() {
        let auth = auth(r#"[{id="k1",algorithm="HS384",secret="s3cret"}]"#);
        let text =
            token(&["name=Ann=Doe", "college_id=5", "staff=true", "zip=007"]).sign(&auth, &Clock::default());
        let mut validation = Validation::new(Algorithm::HS384);
        validation.set_audience(&["bridge"]);
        let key = DecodingKey::from_secret(b"s3cret");
        let read = jsonwebtoken::decode::<Map<String, Value>>(text.unwrap(), &key, &validation).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("k1"));
        let claims = read.claims;
        assert_eq!(claims["sub"], "7");
        assert_eq!(claims["name"], "Ann=Doe");
        assert_eq!(claims["college_id"], 5);
        assert_eq!(claims["staff"], true);
        assert_eq!(claims["zip"], "007");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    }

    #[test]
    fn a_claim_that_was_given_wins() {
        let auth = auth(r#"[{algorithm="HS256",secret="s3cret"}]"#);
        let text = token(&["exp=1", "sub=9"]).sign(&auth, &Clock::default()).unwrap();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let key = DecodingKey::from_secret(b"s3cret");
        let claims = jsonwebtoken::decode::<Map<String, Value>>(text, &key, &validation).unwrap().claims;
        assert_eq!((&claims["exp"], &claims["sub"]), (&Value::from(1), &Value::from(9)));
    }

    #[test]
    fn a_key_without_a_private_half_cannot_sign() {
        let auth = auth(r#"[{algorithm="ES256",public_key_file="a.pem"}]"#);
        let error = token(&[]).sign(&auth, &Clock::default()).unwrap_err();
        assert!(error.to_string().contains("private_key_file"), "{error}");
        let unknown = Token { key: Some("k9".into()), ..token(&[]) }.sign(&auth, &Clock::default());
        assert_eq!(crate::failure::exit_code(&unknown.unwrap_err()), 2);
    }

    #[test]
    fn claims_and_lifetimes_that_are_none_are_refused() {
        assert!(claim("name").is_err());
        assert!(claim("=x").is_err());
        assert!(ttl("soon").is_err());
        assert_eq!(ttl("7d"), Ok(Duration::from_secs(7 * 86_400)));
    }
}
