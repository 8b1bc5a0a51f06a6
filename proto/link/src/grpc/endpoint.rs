//! One endpoint of a service: its channel, what is under way on it, and what is known of it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
};

use causeway_proto::client::Grpc;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outlier::Record;

/// What an endpoint was found to be when it was last asked, or last could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Not asked yet.
    Unknown,
    /// It serves.
    Well,
    /// It says that it cannot do its job, or stops soon.
    NotServing,
    /// It was not reached.
    Unreachable,
    /// It speaks no protocol that we do.
    Incompatible,
}

impl Health {
    const ALL: [Self; 5] =
        [Self::Unknown, Self::Well, Self::NotServing, Self::Unreachable, Self::Incompatible];
}

/// Health, or left out in spite of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As it is.
    Healthy(Health),
    /// Calls to it failed.
    Ejected,
}

impl Standing {
    /// Every one.
    pub(crate) const ALL: [Self; 6] = [
        Self::Healthy(Health::Unknown),
        Self::Healthy(Health::Well),
        Self::Healthy(Health::NotServing),
        Self::Healthy(Health::Unreachable),
        Self::Healthy(Health::Incompatible),
        Self::Ejected,
    ];

    /// As it stands in metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Healthy(Health::Unknown) => "unknown",
            Self::Healthy(Health::Well) => "well",
            Self::Healthy(Health::NotServing) => "not_serving",
            Self::Healthy(Health::Unreachable) => "unreachable",
            Self::Healthy(Health::Incompatible) => "incompatible",
            Self::Ejected => "ejected",
        }
    }
}

/// An endpoint.
pub(crate) struct Endpoint {
    /// Where it is: `http://host:port`, or `https`.
    pub(crate) url: String,
    /// Makes calls to it.
    pub(crate) channel: Grpc,
    under_way: AtomicUsize,
    health: AtomicU8,
    record: Mutex<Record>,
    /// Cancelled when its streams should be opened elsewhere, and then replaced.
    leave: Mutex<CancellationToken>,
    picks: Counter,
    /// Whether its clock was found wrong, and told.
    pub(crate) is_skewed: AtomicBool,
    /// What is wrong with TLS to it, as it was told.
    trouble: Mutex<Option<String>>,
}

impl Endpoint {
    /// Nothing is known of it yet.
    pub(crate) fn new(url: String, channel: Grpc, picks: Counter) -> Self {
        Self {
            url,
            channel,
            under_way: AtomicUsize::new(0),
            health: AtomicU8::new(Health::Unknown as u8),
            record: Mutex::default(),
            leave: Mutex::default(),
            picks,
            is_skewed: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    pub(crate) fn health(&self) -> Health {
        let health = self.health.load(Ordering::Relaxed);
        Health::ALL.into_iter().find(|known| *known as u8 == health).unwrap_or(Health::Unknown)
    }

    /// Notes its health; returns what was known before.
    pub(crate) fn set_health(&self, health: Health) -> Health {
        let before = self.health.swap(health as u8, Ordering::Relaxed);
        Health::ALL.into_iter().find(|known| *known as u8 == before).unwrap_or(Health::Unknown)
    }

    pub(crate) fn standing(&self, now: Instant) -> Standing {
        match self.health() {
            Health::Well | Health::Unknown if self.record().is_out(now) => Standing::Ejected,
            health => Standing::Healthy(health),
        }
    }

    /// Whether it should be given calls.
    pub(crate) fn is_usable(&self, now: Instant) -> bool {
        match self.health() {
            Health::Unknown | Health::Well => !self.record().is_out(now),
            Health::NotServing | Health::Unreachable | Health::Incompatible => false,
        }
    }

    /// Notes what is wrong with TLS; true when that is not what was wrong before.
    pub(crate) fn is_news(&self, trouble: Option<&String>) -> bool {
        let mut before = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = before.as_ref() != trouble;
        *before = trouble.cloned();
        is_news
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// A call or stream begins on it; it is under way until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        self.picks.inc();
        UnderWay(self.clone())
    }

    /// Cancelled when streams should go elsewhere.
    pub(crate) fn leaving(&self) -> CancellationToken {
        self.leave.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends its streams elsewhere.
    pub(crate) fn dismiss(&self) {
        let mut leave = self.leave.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *leave).cancel();
    }
}

/// A call or stream that is under way.
pub(crate) struct UnderWay(pub(crate) Arc<Endpoint>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}
