//! The addresses of a name.

use std::{io, net::SocketAddr};

use futures_util::future::BoxFuture;

use super::targets::Name;

/// Finds the addresses of a name. To add another: answer with all addresses that the name has now; an error keeps those that were
/// found before.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses that the name has now.
    fn resolve<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver: DNS, and what /etc/hosts says.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.host.as_str(), name.port)).await?;
            Ok(found.collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let name = Name { host: "localhost".to_owned(), port: 7, tls: false };
        let found = System.resolve(&name).await.unwrap();
        assert!(
            found.iter().all(|address| address.ip().is_loopback() && address.port() == 7)
                && !found.is_empty()
        );
    }
}
