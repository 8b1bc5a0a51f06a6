//! Which plugins may attach, and with what. Of a credential only its digest is kept.

use crate::params;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use causeway_proto::plugin::PluginKind;
use rand::RngCore;
use sha2::{Digest, Sha256};

use crate::{
    error::Error,
    store::{Reader, Tx},
};

/// Longest name of a plugin, in characters.
const NAME: usize = 64;

/// Bytes of a credential that is made here, before they are printed.
const BYTES: usize = 32;

/// A plugin that has shown its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) name: String,
    pub(super) kind: PluginKind,
}

/// Checks the name of a plugin, which stands in topics, titles and metrics.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=NAME).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::invalid("name", format!("must be 1 to {NAME} of a-z, 0-9 and \"-\"")))
}

/// The credential to store: the one given, or a new one.
pub(super) fn choose(given: String) -> Result<String, Error> {
    if given.is_empty() {
        let mut bytes = [0; BYTES];
        rand::rng().fill_bytes(&mut bytes);
        return Ok(URL_SAFE_NO_PAD.encode(bytes));
    }
    if (32..=128).contains(&given.len()) && given.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(given);
    }
    Err(Error::invalid("token", "must be 32 to 128 visible ASCII characters"))
}

/// Lets a plugin attach with a credential, beside those that it has.
pub(super) fn add(tx: &Tx<'_>, name: &str, kind: PluginKind, token: &str) -> Result<(), Error> {
    match self::kind(tx, name)? {
        Some(known) if known != kind => {
            return Err(Error::exists(format!("a plugin of another kind has the name {name}")));
        }
        Some(_) => {}
        None => {
            tx.execute("INSERT INTO plugin (name, kind) VALUES (?1, ?2)", params![name, i32::from(kind)])?;
        }
    }
    let sql = "INSERT INTO plugin_credential (digest, plugin) VALUES (?1, ?2)
               ON CONFLICT (digest) DO UPDATE SET plugin = excluded.plugin";
    tx.execute(sql, params![digest(token.as_bytes()), name]).map(drop)
}

/// Takes a plugin's credentials away. What it did, and what is owed to it, stays; `NOT_FOUND` when there is none.
pub(super) fn remove(tx: &Tx<'_>, name: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM plugin_credential WHERE plugin = ?1", [name])?;
    tx.execute("DELETE FROM plugin_account WHERE plugin = ?1", [name])?;
    match tx.execute("DELETE FROM plugin WHERE name = ?1", [name])? {
        0 => Err(Error::not_found("plugin")),
        _ => Ok(()),
    }
}

/// Whose credential this is.
pub(super) fn bearer(reader: &Reader<'_>, token: &[u8]) -> Result<Option<Bearer>, Error> {
    let sql = "SELECT p.name, p.kind FROM plugin_credential AS c JOIN plugin AS p ON p.name = c.plugin
               WHERE c.digest = ?1";
    reader.one(sql, [digest(token)], |row| {
        Ok(Bearer { name: row.get(0)?, kind: PluginKind::try_from(row.get::<i32>(1)?).unwrap_or_default() })
    })
}

/// The kind of a plugin that may attach.
pub(super) fn kind(reader: &Reader<'_>, name: &str) -> Result<Option<PluginKind>, Error> {
    let kind = reader.one("SELECT kind FROM plugin WHERE name = ?1", [name], |row| row.get::<i32>(0))?;
    Ok(kind.map(|kind| PluginKind::try_from(kind).unwrap_or_default()))
}

/// Digests are looked up, so that the time it takes says nothing about a credential.
fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for fine in ["telegram", "my-crm2", "7"] {
            assert!(check_name(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "Telegram", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_credential_that_is_made_is_new_and_can_be_sent() {
        let made = choose(String::new()).unwrap();
        assert_ne!(made, choose(String::new()).unwrap());
        assert_eq!(choose(made.clone()).unwrap(), made, "what is made here would also be taken");
    }

    #[test]
    fn a_credential_that_can_be_guessed_is_not_taken() {
        for wrong in ["secret", &"x".repeat(31), &format!("{} ", "x".repeat(40)), &"x".repeat(129)] {
            assert!(choose((*wrong).to_owned()).is_err(), "{wrong}");
        }
    }
}
