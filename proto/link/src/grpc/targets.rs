//! Where a service is, as `services.<x>.url` says it.

use std::{fmt, net::SocketAddr, str::FromStr};

use http::Uri;

/// Most endpoints that a list may name.
const MOST: usize = 256;

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// `http://host:port`, or `https` for TLS, once or several times.
    List(Vec<String>),
    /// `dns:///name:port`, or `dns+tls` for TLS: whatever addresses the name has.
    Dns(Name),
}

/// A name that is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The host.
    pub host: String,
    /// The port of every address that it has.
    pub port: u16,
    /// Whether connections are over TLS, to servers whose certificate is for the host.
    pub tls: bool,
}

/// Text that does not say where a service is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    /// A part of it is wrong.
    #[error(
        "{given:?} is not where a service can be: write http://HOST:PORT, several of them with commas between, or \
         dns:///NAME:PORT; for TLS, https:// and dns+tls:///"
    )]
    Wrong {
        /// The part of the text that is wrong.
        given: String,
    },
    /// Some endpoints have TLS and others have not.
    #[error("{given:?} mixes http and https: give all of a service's processes TLS, or none")]
    Mixed {
        /// The text.
        given: String,
    },
}

impl FromStr for Targets {
    type Err = TargetsError;

    fn from_str(text: &str) -> Result<Self, TargetsError> {
        let wrong = |given: &str| TargetsError::Wrong { given: given.to_owned() };
        for (scheme, tls) in [("dns:///", false), ("dns+tls:///", true)] {
            if let Some(name) = text.trim().strip_prefix(scheme) {
                return Name::read(name, tls).map(Self::Dns).ok_or_else(|| wrong(text));
            }
        }
        let mut urls: Vec<String> = Vec::new();
        for given in text.split(',').map(str::trim) {
            let url = url(given).ok_or_else(|| wrong(given))?;
            if urls.contains(&url) || urls.len() == MOST {
                return Err(wrong(text));
            }
            urls.push(url);
        }
        let encrypted = urls.iter().filter(|url| is_encrypted(url)).count();
        if encrypted != 0 && encrypted != urls.len() {
            return Err(TargetsError::Mixed { given: text.to_owned() });
        }
        Ok(Self::List(urls))
    }
}

fn is_encrypted(url: &str) -> bool {
    url.starts_with("https://")
}

/// `http://host[:port]`, or with `https`, and nothing after.
fn url(given: &str) -> Option<String> {
    let (scheme, host) = given.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
    let host = host.trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return None;
    }
    let url = format!("{scheme}://{host}");
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let has_no_port = authority.host().len() == authority.as_str().len();
    (has_no_port || authority.port_u16().is_some()).then_some(url)
}

impl Targets {
    /// The name that certificates must be for, where that is not the host of each URL.
    pub(crate) fn certified(&self) -> Option<&str> {
        match self {
            Self::Dns(name) if name.tls => Some(&name.host),
            Self::Dns(_) | Self::List(_) => None,
        }
    }
}

impl Name {
    /// The endpoint at an address that the name has.
    pub fn url(&self, address: SocketAddr) -> String {
        format!("{}://{address}", if self.tls { "https" } else { "http" })
    }

    fn read(text: &str, tls: bool) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let is_name =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        is_name.then(|| Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(urls) => f.write_str(&urls.join(",")),
            Self::Dns(Name { host, port, tls }) => {
                write!(f, "dns{}:///{host}:{port}", if *tls { "+tls" } else { "" })
            }
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
        let name = Name { host: "chat.internal".to_owned(), port: 8011, tls: false };
        assert_eq!("dns:///chat.internal:8011".parse(), Ok(Targets::Dns(name)));
    }

    #[test]
    fn all_of_them_over_tls_or_none() {
        for right in ["https://a:1,https://b:2", "dns+tls:///chat.internal:8011"] {
            assert_eq!(read(right).unwrap(), right);
        }
        let error = read("https://a:1,http://b:2").unwrap_err().to_string();
        assert!(error.contains("mixes http and https"), "{error}");
    }

    #[test]
    fn certificates_are_for_the_name_and_not_for_its_addresses() {
        let Ok(Targets::Dns(name)) = "dns+tls:///chat.internal:8011".parse() else { unreachable!() };
        assert_eq!(name.url("10.0.0.1:8011".parse().unwrap()), "https://10.0.0.1:8011");
        assert_eq!(Targets::Dns(name).certified(), Some("chat.internal"));
    }

    #[test]
    fn anything_else_is_named_with_what_is_allowed() {
        for wrong in [
            "",
            "http://",
            "https://",
            "grpc://a:1",
            "a:1",
            "http://a/b",
            "http://a:1,",
            "http://a:1,,http://b:1",
            "http://a:1,http://a:1",
            "http://a:port",
            "dns://a:1",
            "dns:///a",
            "dns+tls:///a",
            "dns+tls://a:1",
            "dns:///a:0",
            "dns:///:1",
            "dns:///a:1,dns:///b:1",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("is not where a service can be"), "{wrong}: {error}");
        }
    }
}
