//! The endpoints of a service, and which of them gets a call: of two chosen at random among those that are well, the one with
//! less under way.
//!
//! When none is well, those that are not are tried all the same: it may be we who cannot see.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use causeway_proto::client::Grpc;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tonic::Status;

use super::{
    endpoint::{Endpoint, Health, Standing},
    metrics::ServiceMetrics,
    settings::Settings,
    verdict::Verdict,
};

/// Makes the channel to a URL.
pub type Connect = Box<dyn Fn(&str) -> Result<Grpc, tonic::transport::Error> + Send + Sync>;

/// The endpoints of a service.
pub(crate) struct Pool {
    /// The service's name, for logs and metrics.
    pub(crate) service: &'static str,
    pub(crate) settings: Settings,
    pub(crate) metrics: ServiceMetrics,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    connect: Connect,
    /// Why there are no endpoints yet; `None` once they are known.
    missing: watch::Sender<Option<String>>,
    /// Somebody should look at the endpoints now.
    pub(crate) look: Arc<Notify>,
    /// One at a time may be ejected, so that never too many are.
    ejecting: Mutex<()>,
}

impl Pool {
    /// A service whose endpoints are not known yet.
    pub(crate) fn new(
        service: &'static str,
        settings: Settings,
        metrics: ServiceMetrics,
        connect: Connect,
    ) -> Self {
        Self {
            service,
            settings,
            metrics,
            endpoints: ArcSwap::default(),
            connect,
            missing: watch::Sender::new(Some("it has not been looked for yet".to_owned())),
            look: Arc::default(),
            ejecting: Mutex::default(),
        }
    }

    /// All endpoints there are now.
    pub(crate) fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// These are the endpoints from now on. Those that stay keep what is known of them.
    pub(crate) fn set(&self, urls: &[String]) -> Result<(), tonic::transport::Error> {
        let before = self.endpoints();
        let mut after: Vec<Arc<Endpoint>> = Vec::with_capacity(urls.len());
        for url in urls {
            after.push(match before.iter().find(|known| known.url == *url) {
                Some(known) => known.clone(),
                None => {
                    let channel = (self.connect)(url)?;
                    Arc::new(Endpoint::new(url.clone(), channel, self.metrics.picks(url)))
                }
            });
        }
        for gone in before.iter().filter(|known| !urls.contains(&known.url)) {
            self.metrics.forget(&gone.url);
        }
        self.endpoints.store(Arc::new(after));
        self.missing.send_replace(None);
        self.measure();
        Ok(())
    }

    /// The endpoints could not be found.
    pub(crate) fn not_found(&self, why: String) {
        self.missing.send_if_modified(|missing| match missing {
            Some(before) => {
                *before = why;
                true
            }
            None => false,
        });
    }

    /// Waits until the endpoints are known, or could not be found.
    pub(crate) async fn known(&self) -> Result<(), Status> {
        if self.missing.borrow().is_none() {
            return Ok(());
        }
        let mut missing = self.missing.subscribe();
        self.look.notify_one();
        // The sender is here as long as we are.
        let _ = missing.changed().await;
        match &*missing.borrow() {
            None => Ok(()),
            Some(why) => Err(Status::unavailable(format!("{} has no address: {why}", self.service))),
        }
    }

    /// An endpoint for a call that was already tried on `tried`.
    pub(crate) fn pick(&self, tried: &[Arc<Endpoint>]) -> Option<Arc<Endpoint>> {
        let (endpoints, now) = (self.endpoints.load(), Instant::now());
        let usable: Vec<bool> = endpoints.iter().map(|endpoint| endpoint.is_usable(now)).collect();
        let is_new = |endpoint: &Arc<Endpoint>| !tried.iter().any(|other| Arc::ptr_eq(endpoint, other));
        for (must_be_usable, must_be_new) in [(true, true), (true, false), (false, true), (false, false)] {
            let suits = |place: &usize| {
                let place = *place;
                (!must_be_usable || usable[place]) && (!must_be_new || is_new(&endpoints[place]))
            };
            let suitable: Vec<usize> = (0..endpoints.len()).filter(suits).collect();
            if !suitable.is_empty() {
                return of_two(&suitable, &endpoints);
            }
        }
        None
    }

    /// What came of a call on an endpoint.
    pub(crate) fn note(&self, endpoint: &Endpoint, verdict: Verdict) {
        if !verdict.is_sick() {
            return endpoint.record().succeeded();
        }
        // All calls on a connection break at once: that is one failure. Whether the endpoint is back, probes find out.
        if verdict.is_broken() && !self.lost(endpoint) {
            return;
        }
        let is_enough = endpoint.record().failed(&self.settings);
        if is_enough {
            self.eject(endpoint);
        }
    }

    /// An endpoint was not reached, or a connection to it broke: until it has been asked, others are preferred.
    /// True when that is news.
    pub(crate) fn lost(&self, endpoint: &Endpoint) -> bool {
        let is_news = endpoint.set_health(Health::Unreachable) != Health::Unreachable;
        if is_news {
            tracing::warn!(service = self.service, endpoint = endpoint.url, "an endpoint is lost");
            self.measure();
        }
        self.look.notify_one();
        is_news
    }

    /// Leaves an endpoint out for a while, unless half of all would be out then.
    fn eject(&self, endpoint: &Endpoint) {
        let _one = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
        let (endpoints, now) = (self.endpoints.load(), Instant::now());
        let out = endpoints.iter().filter(|endpoint| endpoint.record().is_out(now)).count();
        if endpoint.record().is_out(now) || (out + 1) * 2 > endpoints.len() {
            return;
        }
        endpoint.record().eject(now, &self.settings);
        tracing::warn!(
            service = self.service,
            endpoint = endpoint.url,
            "calls to an endpoint fail; it is left out"
        );
        self.metrics.ejected();
        self.measure();
    }

    /// Whether another endpoint could take over from this one.
    pub(crate) fn has_another(&self, endpoint: &Endpoint) -> bool {
        let now = Instant::now();
        let endpoints = self.endpoints.load();
        endpoints.iter().any(|other| other.url != endpoint.url && other.is_usable(now))
    }

    /// Whether every endpoint speaks another protocol than we do.
    pub(crate) fn is_incompatible(&self) -> bool {
        let endpoints = self.endpoints.load();
        !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.health() == Health::Incompatible)
    }

    /// Shows the endpoints by state.
    pub(crate) fn measure(&self) {
        let now = Instant::now();
        let standings: Vec<Standing> =
            self.endpoints.load().iter().map(|endpoint| endpoint.standing(now)).collect();
        self.metrics.endpoints(&standings);
    }
}

/// Of two at random, the one with less under way.
fn of_two(suitable: &[usize], endpoints: &[Arc<Endpoint>]) -> Option<Arc<Endpoint>> {
    let first = suitable.get(rand::random_range(0..suitable.len()))?;
    let mut pick = endpoints.get(*first)?;
    if suitable.len() > 1 {
        let others: Vec<&usize> = suitable.iter().filter(|place| *place != first).collect();
        let other = endpoints.get(**others.get(rand::random_range(0..others.len()))?)?;
        if other.under_way() < pick.under_way() {
            pick = other;
        }
    }
    Some(pick.clone())
}

#[cfg(test)]
mod tests;
