//! Who a bearer of a token is.
//!
//! [`Auth::verify`] is the only way in. A JWT is checked against the configured keys (`key`, `jwt`); a token of another
//! shape is shown to the authorization server, where that is configured and the dialect allows it (`introspection`). What
//! either says about the user becomes an [`Identity`] by the same rules (`claims`). `bearer` finds the token in a request.

pub(crate) mod bearer;
mod claims;
mod introspection;
mod jwt;
mod key;

use std::{path::Path, time::Duration};

use causeway_config::AuthSettings;
use causeway_proto::{chat::User, time::Clock};
use prost_types::Timestamp;

use crate::{command::Token, dialect::Dialect, fault::Refusal};
use claims::Rules;
use introspection::Introspection;
pub use introspection::SetupError;
pub use key::{Key, KeyError, LoadError};

/// Longest token that is looked at, in bytes. It leaves room for the rest of a request's head.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Verifies tokens. When keys change, another takes its place.
#[derive(Debug)]
pub struct Auth {
    keys: Vec<Key>,
    rules: Rules,
    introspection: Option<Introspection>,
    clock: Clock,
}

/// What a good token says about its bearer.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The user, as far as the token tells: id, names, mail address, and the audience of the college.
    pub user: User,
    /// When the token expires, as it says itself.
    pub expires_at: Timestamp,
    /// When the bearer must be gone. That is `expires_at`, or the end of the leeway where the token was already over when
    /// it was shown.
    pub ends_at: Timestamp,
}

/// Why nobody can be authenticated at all.
#[derive(Debug, thiserror::Error)]
pub enum AuthSetupError {
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] LoadError),
    /// The authorization server cannot be asked.
    #[error("auth.introspection: {0}")]
    Introspection(#[from] SetupError),
}

/// Why a bearer is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no token.
    #[error("missing token")]
    NoToken,
    /// Not a token of ours, or one that is not for us.
    #[error("invalid token")]
    Invalid,
    /// A token of ours whose time is over, and with which nothing else is wrong.
    #[error("token expired")]
    Expired,
    /// The authorization server does not answer.
    #[error("the authorization server is not available")]
    Unavailable,
}

impl Auth {
    /// Reads the keys that `settings` name; where they name none, the one in `signing_key`.
    pub fn load(settings: &AuthSettings, signing_key: &Path, clock: Clock) -> Result<Self, AuthSetupError> {
        let keys = key::load(settings, signing_key)?;
        let introspection = settings.introspection.as_ref().map(Introspection::new).transpose()?;
        let rules = Rules {
            identity_claims: settings.identity_claims.clone(),
            leeway: settings.leeway,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
        };
        Ok(Self { keys, rules, introspection, clock })
    }

    /// Checks a token; `allow_opaque` says that it need not be a JWT. [`AuthError::Expired`] is answered only for a token
    /// that would otherwise be good.
    pub async fn verify(&self, token: &Token, allow_opaque: bool) -> Result<Identity, AuthError> {
        if token.0.is_empty() {
            return Err(AuthError::NoToken);
        }
        if token.0.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid);
        }
        let testimony = if jwt::is_jwt(&token.0) {
            jwt::verify(&token.0, &self.keys, &self.rules)?
        } else {
            let asked = self.introspection.as_ref().filter(|_| allow_opaque);
            asked.ok_or(AuthError::Invalid)?.ask(token, &self.rules, &self.clock).await?
        };
        testimony.at(self.clock.now_micros(), self.rules.leeway)
    }
}

/// Whether the frontends of a dialect log in with tokens that need not be JWTs.
pub(crate) fn takes_opaque_tokens(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Campus => true,
        Dialect::Rooms | Dialect::Envelope | Dialect::Jobs | Dialect::Helpdesk => false,
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::NoToken => Self::NoToken,
            AuthError::Invalid => Self::InvalidToken,
            AuthError::Expired => Self::ExpiredToken,
            AuthError::Unavailable => Self::Unavailable,
        }
    }
}

/// Whole microseconds of a duration, as times are counted here.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
