//! Asks an endpoint how it is: gRPC health, and on the same call whether its version fits ours and its clock is right.

use std::{sync::atomic::Ordering, time::Duration};

use causeway_proto::{
    client::Grpc,
    peer::{Misfit, PEER, Peer, TIME},
    time::Clock,
    tls::problem,
};
use futures_util::FutureExt;
use http::HeaderValue;
use tonic::{Code, Request, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    endpoint::{Endpoint, Health},
    pool::Pool,
};

/// Who asks, and for what.
pub(crate) struct Probe {
    /// The gRPC service that must be served: `causeway.chat.v1.Chat`.
    pub(crate) asks_for: &'static str,
    /// Who we are.
    pub(crate) here: Peer,
    /// Our name as a header; `None` when it cannot be one.
    pub(crate) header: Option<HeaderValue>,
    pub(crate) clock: Clock,
    /// How long an endpoint may take to answer.
    pub(crate) patience: Duration,
}

/// What an endpoint answered.
pub(super) struct Answer {
    pub(super) served: Result<ServingStatus, Status>,
    /// Who it is; `None` when it does not say.
    pub(super) there: Option<Peer>,
    /// By how much its clock is certainly before ours, in microseconds; `None` when it does not say what time it has.
    pub(super) skew: Option<i64>,
}

/// What is made of that.
struct Said {
    health: Health,
    misfit: Option<Misfit>,
    /// What TLS has to do with it.
    trouble: Option<String>,
}

impl Probe {
    /// Asks one endpoint, and notes what it is.
    pub(crate) async fn ask(&self, pool: &Pool, endpoint: &Endpoint) {
        let said = tokio::time::timeout(self.patience, self.check(pool, endpoint)).await;
        let Said { health, misfit, trouble } =
            said.unwrap_or(Said { health: Health::Unreachable, misfit: None, trouble: None });
        let before = endpoint.set_health(health);
        if before != health {
            tell(pool, endpoint, before, health, misfit);
        }
        if endpoint.is_news(trouble.as_ref())
            && let Some(trouble) = trouble
        {
            tracing::error!(
                service = pool.service,
                endpoint = endpoint.url,
                "an endpoint cannot be used: {trouble}"
            );
        }
        // A stream says nothing of a peer that is silent until HTTP/2's own pings find it gone, and those who wait for what should
        // come on it do not have that long.
        if matches!(health, Health::NotServing | Health::Unreachable) && pool.has_another(endpoint) {
            endpoint.dismiss();
        }
    }

    async fn check(&self, pool: &Pool, endpoint: &Endpoint) -> Said {
        let Answer { served, there, skew } = self.question(endpoint.channel.clone()).await;
        let trouble = served.as_ref().err().and_then(|status| problem(status));
        let health = match served {
            Ok(ServingStatus::Serving) => Health::Well,
            Ok(_) => Health::NotServing,
            Err(status) => match status.code() {
                // Whoever has no health to tell is taken to be well, as gRPC's own clients do.
                Code::Unimplemented => Health::Well,
                // It is a server, but not of this service, or it is stopping.
                Code::NotFound | Code::FailedPrecondition => Health::NotServing,
                _ => Health::Unreachable,
            },
        };
        if let Some(skew) = skew {
            Self::compare_clocks(pool, endpoint, skew);
        }
        match there.map_or(Ok(()), |there| self.here.fits(&there)) {
            Ok(()) => Said { health, misfit: None, trouble },
            Err(misfit) => Said { health: Health::Incompatible, misfit: Some(misfit), trouble },
        }
    }

    /// Asks whoever is at the other end of a channel.
    pub(super) async fn question(&self, channel: Grpc) -> Answer {
        let mut request = Request::new(HealthCheckRequest { service: self.asks_for.to_owned() });
        if let Some(header) = self.header.as_ref().and_then(|header| header.to_str().ok()?.parse().ok()) {
            request.metadata_mut().insert(PEER, header);
        }
        let asked = self.clock.now_micros();
        let mut client = HealthClient::new(channel);
        // Boxed, because the compiler cannot see that such a call may change threads.
        let answer = client.check(request).boxed().await;
        let answered = self.clock.now_micros();
        let (metadata, served) = match answer {
            Ok(response) => (response.metadata().clone(), Ok(response.get_ref().status())),
            Err(status) => (status.metadata().clone(), Err(status)),
        };
        let theirs = metadata.get(TIME).and_then(|time| time.to_str().ok()?.parse().ok());
        let skew = theirs.map(|theirs| skew(theirs, asked, answered));
        Answer { served, there: Peer::of(&metadata.into_headers()), skew }
    }

    fn compare_clocks(pool: &Pool, endpoint: &Endpoint, skew: i64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of a clock that is years off may be rounded"
        )]
        let seconds = skew as f64 / 1e6;
        pool.metrics.skew(&endpoint.url, seconds);
        let most = i64::try_from(pool.settings.max_clock_skew.as_micros()).unwrap_or(i64::MAX);
        let is_skewed = skew.saturating_abs() > most;
        if endpoint.is_skewed.swap(is_skewed, Ordering::Relaxed) == is_skewed {
            return;
        }
        let (service, endpoint) = (pool.service, &endpoint.url);
        if is_skewed {
            tracing::warn!(
                service,
                endpoint,
                seconds,
                "the clock of an endpoint and ours differ: see which is wrong, and let NTP keep both"
            );
        } else {
            tracing::info!(service, endpoint, "the clock of an endpoint is right again");
        }
    }
}

/// By how much a clock is certainly before ours (behind it, when negative), in microseconds, when it showed `theirs` at some time
/// between `asked` and `answered`.
fn skew(theirs: i64, asked: i64, answered: i64) -> i64 {
    let half = answered.saturating_sub(asked).max(0) / 2;
    let offset = theirs.saturating_sub(asked.saturating_add(half));
    offset.signum().saturating_mul(offset.saturating_abs().saturating_sub(half).max(0))
}

fn tell(pool: &Pool, endpoint: &Endpoint, before: Health, health: Health, misfit: Option<Misfit>) {
    let (service, url) = (pool.service, &endpoint.url);
    match health {
        Health::Well if before == Health::Unknown => {
            tracing::debug!(service, endpoint = url, "an endpoint is well")
        }
        Health::Well => tracing::info!(service, endpoint = url, "an endpoint is well again"),
        Health::Unreachable => tracing::warn!(service, endpoint = url, "an endpoint is not reached"),
        Health::NotServing => tracing::warn!(service, endpoint = url, "an endpoint does not serve"),
        Health::Incompatible => {
            let why = misfit.map(|misfit| misfit.to_string()).unwrap_or_default();
            tracing::error!(service, endpoint = url, "an endpoint does not fit: {why}");
        }
        Health::Unknown => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_within_the_round_trip_is_right() {
        for theirs in [1_000, 1_500, 2_000] {
            assert_eq!(skew(theirs, 1_000, 2_000), 0);
        }
    }

    #[test]
    fn half_the_round_trip_is_allowed_for() {
        assert_eq!(skew(12_000, 1_000, 2_000), 10_000);
        assert_eq!(skew(-9_000, 1_000, 2_000), -10_000);
    }

    #[test]
    fn nonsense_does_not_overflow() {
        assert!(skew(i64::MAX, -1, 0) > 0);
        assert!(skew(i64::MIN, 0, 1) < 0);
        assert_eq!(skew(5, 10, 0), -5);
    }
}
