//! Where a service is, as `services.<x>.url` says it.

use std::{fmt, str::FromStr};

use http::Uri;

/// Most endpoints that a list may name.
const MOST: usize = 256;

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// `http://host:port`, once or several times.
    List(Vec<String>),
    /// `dns:///name:port`: whatever addresses the name has.
    Dns(Name),
}

/// A name that is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The host.
    pub host: String,
    /// The port of every address that it has.
    pub port: u16,
}

/// Text that does not say where a service is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not where a service can be: write http://HOST:PORT, several of them with commas between, or \
     dns:///NAME:PORT"
)]
pub struct TargetsError {
    /// The part of the text that is wrong.
    pub given: String,
}

impl FromStr for Targets {
    type Err = TargetsError;

    fn from_str(text: &str) -> Result<Self, TargetsError> {
        let wrong = |given: &str| TargetsError { given: given.to_owned() };
        if let Some(name) = text.trim().strip_prefix("dns:///") {
            return Name::read(name).map(Self::Dns).ok_or_else(|| wrong(text));
        }
        let mut urls: Vec<String> = Vec::new();
        for given in text.split(',').map(str::trim) {
            let url = url(given).ok_or_else(|| wrong(given))?;
            if urls.contains(&url) || urls.len() == MOST {
                return Err(wrong(text));
            }
            urls.push(url);
        }
        Ok(Self::List(urls))
    }
}

/// `http://host[:port]` and nothing after.
fn url(given: &str) -> Option<String> {
    let host = given.strip_prefix("http://")?.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return None;
    }
    let url = format!("http://{host}");
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let has_no_port = authority.host().len() == authority.as_str().len();
    (has_no_port || authority.port_u16().is_some()).then_some(url)
}

impl Name {
    fn read(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let is_name =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        is_name.then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(urls) => f.write_str(&urls.join(",")),
            Self::Dns(name) => write!(f, "dns:///{}:{}", name.host, name.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, TargetsError> {
        text.parse::<Targets>().map(|targets| targets.to_string())
    }

    #[test]
    fn one_url_several_or_a_name() {
        assert_eq!(read("http://127.0.0.1:8011").unwrap(), "http://127.0.0.1:8011");
        assert_eq!(
            read("http://a:1, http://b:2/ ,http://[::1]:3").unwrap(),
            "http://a:1,http://b:2,http://[::1]:3"
        );
        let name = Name { host: "chat.internal".to_owned(), port: 8011 };
        assert_eq!("dns:///chat.internal:8011".parse(), Ok(Targets::Dns(name)));
    }

    #[test]
    fn anything_else_is_named_with_what_is_allowed() {
        for wrong in [
            "",
            "http://",
            "https://a:1",
            "a:1",
            "http://a/b",
            "http://a:1,",
            "http://a:1,,http://b:1",
            "http://a:1,http://a:1",
            "http://a:port",
            "dns://a:1",
            "dns:///a",
            "dns:///a:0",
            "dns:///:1",
            "dns:///a:1,dns:///b:1",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("is not where a service can be"), "{wrong}: {error}");
        }
    }
}
