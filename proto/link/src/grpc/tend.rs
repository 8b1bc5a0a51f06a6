//! What goes on beside the calls, one task for each service: names are resolved again, and endpoints asked how they are.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::{
    pool::Pool,
    probe::Probe,
    resolver::Resolve,
    targets::{Name, Targets},
};

/// Endpoints that fail are asked at once, but not more often than this.
const ASKED: Duration = Duration::from_millis(100);
/// A name is resolved again when endpoints fail, but not more often than this.
const RESOLVED: Duration = Duration::from_millis(500);
/// How long a resolver may take.
const RESOLVING: Duration = Duration::from_secs(5);

/// Looks after the endpoints of a service.
pub(crate) struct Tender {
    pub(crate) pool: Weak<Pool>,
    pub(crate) targets: Targets,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) probe: Probe,
}

impl Tender {
    /// Runs for as long as there are clients of the service.
    pub(crate) async fn run(self) {
        let mut resolved: Option<Instant> = None;
        let mut is_hurried = true;
        while let Some(pool) = self.pool.upgrade() {
            if let Targets::Dns(name) = &self.targets {
                let age = resolved.map_or(Duration::MAX, |at| at.elapsed());
                if is_hurried || age >= pool.settings.dns_interval {
                    self.resolve(&pool, name).await;
                    resolved = Some(Instant::now());
                }
            }
            let endpoints = pool.endpoints();
            join_all(endpoints.iter().map(|endpoint| self.probe.ask(&pool, endpoint))).await;
            pool.measure();
            // Not all processes at the same time.
            let interval = pool.settings.health_interval.min(pool.settings.dns_interval);
            let pause = interval.mul_f64(rand::random_range(0.9..1.1));
            let look = pool.look.clone();
            drop((endpoints, pool));
            let shortest = self.shortest().min(pause);
            sleep(shortest).await;
            is_hurried = timeout(pause - shortest, look.notified()).await.is_ok();
        }
    }

    fn shortest(&self) -> Duration {
        match self.targets {
            Targets::List(_) => ASKED,
            Targets::Dns(_) => RESOLVED,
        }
    }

    async fn resolve(&self, pool: &Pool, name: &Name) {
        let found = timeout(RESOLVING, self.resolver.resolve(name)).await;
        let why = match found {
            Ok(Ok(addresses)) if !addresses.is_empty() => {
                let mut urls: Vec<String> = addresses.into_iter().map(|address| name.url(address)).collect();
                urls.sort();
                urls.dedup();
                return self.set(pool, &urls);
            }
            Ok(Ok(_)) => format!("{} has no address", name.host),
            Ok(Err(error)) => format!("{} is not found: {error}", name.host),
            Err(_) => format!("{} is not found: the resolver does not answer", name.host),
        };
        // Those that were found before may well be there still.
        if pool.endpoints().is_empty() {
            tracing::warn!(service = pool.service, "no endpoint yet: {why}");
        } else {
            tracing::debug!(service = pool.service, "keeping the endpoints that are known: {why}");
        }
        pool.not_found(why);
    }

    fn set(&self, pool: &Pool, urls: &[String]) {
        let before: Vec<String> = pool.endpoints().iter().map(|endpoint| endpoint.url.clone()).collect();
        if before == urls {
            return;
        }
        tracing::info!(service = pool.service, endpoints = urls.join(","), "endpoints by name");
        if let Err(error) = pool.set(urls) {
            pool.not_found(error.to_string());
        }
    }
}
