//! Where Redis is: the URL of the configuration, read and checked. It is printed without its credentials.

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use thiserror::Error;

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// How several addresses belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One server.
    Single,
    /// Sentinels, which know where the primary of this name is.
    Sentinel { primary: String },
    /// Some nodes of a cluster, which know the others.
    Cluster,
}

/// One host and its port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
}

/// Name and password, and which database.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
}

/// Where Redis is, and how it is entered. Read from one of
///
/// * `redis://[user[:password]@]host[:port][/database]`
/// * `redis+sentinel://[user[:password]@]host[:port],…/name-of-the-primary[/database]`: host and port of each Sentinel
/// * `redis+cluster://[user[:password]@]host[:port],…`: some of the nodes
///
/// and the same with `rediss`, which speaks TLS to every one of them. Characters of user and password that have a meaning in a URL
/// are percent-encoded; a password without a user is `:password@`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) kind: Kind,
    pub(super) tls: bool,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) login: Login,
}

/// Why a URL does not say where Redis is. Holds nothing of the URL, which may have a password in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct AddressError(&'static str);

/// What is allowed, for error messages.
pub const ALLOWED: &str = "redis://[user:password@]host[:port][/database], redis+sentinel://host[:port],…/primary or \
                           redis+cluster://host[:port],…; rediss instead of redis for TLS";

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError("it has no scheme"))?;
        if rest.contains(['?', '#']) || rest.contains(char::is_whitespace) {
            return Err(AddressError("it has parameters, a fragment or spaces"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (read_login(login)?, hosts),
            None => (Login::default(), authority),
        };
        let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match protocol {
            "redis" => false,
            "rediss" => true,
            _ => return Err(AddressError("its scheme is not one of Redis")),
        };
        let (kind, database) = read_path(kind, path)?;
        let port = if matches!(kind, Kind::Sentinel { .. }) { SENTINEL_PORT } else { REDIS_PORT };
        let endpoints: Vec<_> =
            hosts.split(',').map(|host| read_endpoint(host, port)).collect::<Result<_, _>>()?;
        if kind == Kind::Single && endpoints.len() > 1 {
            return Err(AddressError("it names several hosts: are they a cluster, or Sentinels?"));
        }
        Ok(Self { kind, tls, endpoints, login: Login { database, ..login } })
    }
}

fn read_login(login: &str) -> Result<Login, AddressError> {
    let decode = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_| AddressError("its credentials are not UTF-8"))
    };
    let (user, password) = login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
    Ok(Login {
        user: Some(decode(user)?).filter(|user| !user.is_empty()),
        password: password.map(decode).transpose()?.filter(|password| !password.is_empty()),
        database: 0,
    })
}

fn read_path(kind: &str, path: &str) -> Result<(Kind, i64), AddressError> {
    let (kind, database) = match kind {
        "" => (Kind::Single, path),
        "sentinel" => {
            let (primary, database) = path.split_once('/').unwrap_or((path, ""));
            if primary.is_empty() {
                return Err(AddressError("it does not name the primary that the Sentinels watch"));
            }
            (Kind::Sentinel { primary: primary.into() }, database)
        }
        "cluster" if path.is_empty() => (Kind::Cluster, ""),
        "cluster" => return Err(AddressError("it names a database, and a cluster has only one")),
        _ => return Err(AddressError("its scheme is not one of Redis")),
    };
    let wrong = AddressError("its database is not a number");
    let database = if database.is_empty() { 0 } else { database.parse::<u16>().map_err(|_| wrong)?.into() };
    Ok((kind, database))
}

fn read_endpoint(text: &str, port: u16) -> Result<Endpoint, AddressError> {
    let wrong = AddressError("its port is not a number");
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, port),
        Some((host, rest)) => (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(wrong)?),
        None => match text.split_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong)?),
            None => (text, port),
        },
    };
    if host.is_empty() || port == 0 {
        return Err(AddressError("a host or a port is missing"));
    }
    Ok(Endpoint { host: host.into(), port })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Without credentials.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Single => "",
            Kind::Sentinel { .. } => "+sentinel",
            Kind::Cluster => "+cluster",
        };
        write!(f, "redis{}{kind}://", if self.tls { "s" } else { "" })?;
        for (at, endpoint) in self.endpoints.iter().enumerate() {
            write!(f, "{}{endpoint}", if at > 0 { "," } else { "" })?;
        }
        if let Kind::Sentinel { primary } = &self.kind {
            write!(f, "/{primary}")?;
        }
        if self.login.database != 0 {
            write!(f, "/{}", self.login.database)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        url.parse().unwrap()
    }

    #[test]
    fn each_form_is_read() {
        let single = read("rediss://ann:s%40cret@db.example:7000/3");
        assert!(single.tls && single.kind == Kind::Single);
        assert_eq!(single.endpoints, [Endpoint { host: "db.example".into(), port: 7000 }]);
        assert_eq!(
            (single.login.user.as_deref(), single.login.password.as_deref()),
            (Some("ann"), Some("s@cret"))
        );
        assert_eq!(single.login.database, 3);

        let cluster = read("redis+cluster://:word@a,b:7001,[::1]:7002");
        assert_eq!((cluster.kind, cluster.login.user, cluster.endpoints.len()), (Kind::Cluster, None, 3));
        let sentinel = read("redis+sentinel://a,b:1/main/2");
        assert_eq!(sentinel.kind, Kind::Sentinel { primary: "main".into() });
        assert_eq!((sentinel.endpoints[0].port, sentinel.login.database), (26379, 2));
    }

    #[test]
    fn what_is_printed_has_no_credentials() {
        for url in
            ["redis://ann:hunter2@h:1/2", "redis+cluster://ann:hunter2@h,i", "redis+sentinel://:hunter2@h/m"]
        {
            let address = read(url);
            let printed = format!("{address} {address:?}");
            assert!(!printed.contains("hunter2") && !printed.contains("ann"), "{printed}");
            assert_eq!(read(&address.to_string()).endpoints, address.endpoints);
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        for url in [
            "",
            "h:6379",
            "http://h",
            "redis://",
            "redis://h:port",
            "redis://h:0",
            "redis://a,b",
            "redis://h/x",
            "redis+cluster://h/1",
            "redis+sentinel://h",
            "redis+ring://h",
            "redis://h?x=1",
            "redis://:hunter2@",
        ] {
            let error = Address::from_str(url).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{url}: {error}");
        }
    }
}
