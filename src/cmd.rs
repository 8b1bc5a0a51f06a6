//! The subcommands: each file holds the arguments of one and what it does.

pub(crate) mod bridge;
pub(crate) mod bulk;
pub(crate) mod config;
pub(crate) mod conversation;
pub(crate) mod doctor;
pub(crate) mod migrate;
pub(crate) mod notify;
pub(crate) mod outbox;
pub(crate) mod plugin;
pub(crate) mod reload;
pub(crate) mod send;
pub(crate) mod service;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod user;

use std::net::SocketAddr;

use causeway_proto::id;

use crate::failure::Usage;

/// Reads an id as it is typed; for `#[arg(value_parser = cmd::id)]`.
pub(crate) fn id(given: &str) -> Result<String, String> {
    id::read(given).map(|_| given.to_owned()).map_err(|error| format!("an id {error}"))
}

/// Reads an address to listen on; for `#[arg(value_parser = cmd::address)]`.
pub(crate) fn address(given: &str) -> Result<SocketAddr, String> {
    given.parse().map_err(|_| "write an IP address and a port, as 127.0.0.1:8000".to_owned())
}

/// Reads `--data`: a JSON object, passed on as it was typed.
pub(crate) fn json_object(flag: &str, text: &str) -> anyhow::Result<String> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(Usage::error(format!("{flag}: not a JSON object such as '{{\"order\":7}}': {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_must_be_a_json_object() {
        assert_eq!(json_object("--data", r#"{"a":1}"#).unwrap(), r#"{"a":1}"#);
        for wrong in ["{", "[]", "7", ""] {
            let error = json_object("--data", wrong).unwrap_err();
            assert!(error.to_string().starts_with("--data: not a JSON object"), "{error}");
            assert_eq!(crate::failure::exit_code(&error), 2);
        }
    }

    #[test]
    fn an_id_that_cannot_be_one_is_refused_before_any_call() {
        assert!(id("alice").is_ok());
        assert_eq!(id(""), Err("an id must not be empty".to_owned()));
        assert!(id("a/b").is_err());
    }
}
