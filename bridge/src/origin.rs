//! Which web pages may use the bridge. Browsers say in `Origin` (RFC 6454 §7) which page speaks; other clients say nothing
//! and are let through, because what they say could not be trusted anyway.

use http::{HeaderMap, header};

/// The origins that are allowed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    listed: Vec<String>,
    localhost: bool,
}

/// A page that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("origin not allowed")]
pub(crate) struct Forbidden;

impl Origins {
    /// Allows these, and with `localhost` every page of this machine, on any port.
    pub(crate) fn new(listed: Vec<String>, localhost: bool) -> Self {
        Self { listed, localhost }
    }

    /// The origin of a request, when it has one. It is compared as a whole and as it stands, for browsers write it in one
    /// way only.
    pub(crate) fn check<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Forbidden> {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let origin = match (given.next(), given.next()) {
            (None, _) => return Ok(None),
            (Some(origin), None) => origin.to_str().map_err(|_| Forbidden)?,
            (Some(_), Some(_)) => return Err(Forbidden),
        };
        let allowed =
            self.listed.iter().any(|listed| listed == origin) || (self.localhost && is_localhost(origin));
        if allowed { Ok(Some(origin)) } else { Err(Forbidden) }
    }
}

fn is_localhost(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
        return false;
    };
    ["localhost", "127.0.0.1", "[::1]"].into_iter().any(|host| match authority.strip_prefix(host) {
        Some("") => true,
        Some(rest) => {
            rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(listed: &[&str], localhost: bool, origin: &str) -> bool {
        let listed: Vec<String> = listed.iter().map(|one| (*one).to_owned()).collect();
        let headers = HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]);
        Origins::new(listed, localhost).check(&headers).is_ok()
    }

    #[test]
    fn only_the_exact_origin_is_allowed() {
        let listed = ["https://app.example.com", "http://10.0.0.7:3000", "capacitor://localhost"];
        for origin in listed {
            assert!(allows(&listed, false, origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "*",
            "https://app.example.com.evil.example",
            "https://evil.example/https://app.example.com",
            "https://evil-app.example.com",
            "https://sub.app.example.com",
            "https://example.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com:443",
            "https://app.example.com/",
            "https://APP.example.com",
            "HTTPS://app.example.com",
            "https://app.example.com@evil.example",
            "https://app.example.com https://evil.example",
            "https://app.example.com%00.evil.example",
            "https://app.example.comx",
            "http://10.0.0.7",
            "http://10.0.0.7:30000",
            "http://localhost:3000",
        ] {
            assert!(!allows(&listed, false, origin), "{origin}");
        }
    }

    #[test]
    fn the_development_profile_allows_localhost_on_any_port() {
        for origin in
            ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:3000"]
        {
            assert!(allows(&[], true, origin), "{origin}");
        }
        for origin in [
            "null",
            "http://localhost.evil.example",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:99999",
            "http://localhost:80@evil.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.2",
            "ws://localhost",
            "http://evil.example",
        ] {
            assert!(!allows(&[], true, origin), "{origin}");
        }
    }

    #[test]
    fn no_origin_is_no_browser_and_two_are_a_trick() {
        let origins = Origins::new(vec!["https://a.example".into()], false);
        assert_eq!(origins.check(&HeaderMap::new()), Ok(None));
        let mut headers = HeaderMap::new();
        headers.append(header::ORIGIN, "https://a.example".parse().unwrap());
        assert_eq!(origins.check(&headers), Ok(Some("https://a.example")));
        headers.append(header::ORIGIN, "https://a.example".parse().unwrap());
        assert_eq!(origins.check(&headers), Err(Forbidden));
    }
}
