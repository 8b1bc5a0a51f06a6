//! A look at each endpoint of a service from outside, for whoever asks what is wrong with an installation: start with
//! [`Reach::inspect`].

use std::{error::Error as StdError, time::Duration};

use causeway_proto::{
    peer::{Misfit, Peer},
    tls::problem,
};
use futures_util::future::join_all;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;

use super::{
    link::{Reach, Service},
    pool::Connect,
    probe::{Answer, Probe},
    targets::Targets,
};

/// How long an endpoint may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// An endpoint that was looked at.
#[derive(Debug)]
pub struct Inspected {
    /// Where it is.
    pub url: String,
    /// How it is.
    pub condition: Condition,
    /// Who it is; `None` when it does not say.
    pub there: Option<Peer>,
    /// By how much its clock is certainly before ours (behind it, when negative), in microseconds; `None` when it does not say.
    pub skew: Option<i64>,
}

/// How an endpoint is.
#[derive(Debug)]
pub enum Condition {
    /// It serves.
    Well,
    /// It says that it cannot do its job, or stops soon.
    NotServing,
    /// It is a server, and the service is not there.
    Another,
    /// It speaks no protocol that we do.
    Incompatible(Misfit),
    /// Nobody takes the connection; why.
    Unreachable(String),
    /// TLS is in the way, or that there is none; what is wrong.
    Mistrusted(String),
    /// Somebody takes it and does not answer.
    Silent,
    /// Somebody answers who is no server of ours; with what.
    Strange(String),
}

impl Reach {
    /// Asks every endpoint that there is now, at the same time. Fails with why their addresses are not known.
    pub async fn inspect(&self, service: Service, targets: &Targets) -> Result<Vec<Inspected>, String> {
        let urls = match targets {
            Targets::List(urls) => urls.clone(),
            Targets::Dns(name) => {
                let found = self.resolver.resolve(name).await.map_err(|error| error.to_string())?;
                found.into_iter().map(|address| name.url(address)).collect()
            }
        };
        if urls.is_empty() {
            return Err("the name has no address".to_owned());
        }
        let probe = Probe {
            asks_for: service.asks_for(),
            here: self.here.clone(),
            header: self.here.header(),
            clock: self.clock.clone(),
            patience: PATIENCE,
        };
        let connect = self.connect(targets);
        Ok(join_all(urls.into_iter().map(|url| Self::look(&probe, &connect, url))).await)
    }

    async fn look(probe: &Probe, connect: &Connect, url: String) -> Inspected {
        let asked = match connect(&url) {
            Ok(channel) => timeout(probe.patience, probe.question(channel)).await,
            Err(error) => {
                let condition = Condition::Unreachable(error.to_string());
                return Inspected { url, condition, there: None, skew: None };
            }
        };
        let Ok(Answer { served, there, skew }) = asked else {
            return Inspected { url, condition: Condition::Silent, there: None, skew: None };
        };
        let misfit = there.as_ref().and_then(|there| probe.here.fits(there).err());
        let condition = misfit.map_or_else(|| condition(served), Condition::Incompatible);
        Inspected { url, condition, there, skew }
    }
}

fn condition(served: Result<ServingStatus, Status>) -> Condition {
    if let Some(problem) = served.as_ref().err().and_then(|status| problem(status)) {
        return Condition::Mistrusted(problem);
    }
    match served {
        Ok(ServingStatus::Serving) => Condition::Well,
        Ok(ServingStatus::NotServing | ServingStatus::Unknown | ServingStatus::ServiceUnknown) => {
            Condition::NotServing
        }
        Err(status) if is_unreachable(&status) => Condition::Unreachable(why(&status)),
        Err(status) if status.code() == Code::NotFound => Condition::Another,
        Err(status) => Condition::Strange(why(&status)),
    }
}

/// Whether there was no connection, in contrast to one that broke because the other side speaks something else.
fn is_unreachable(status: &Status) -> bool {
    causes(status).any(|cause| cause.is::<tonic::ConnectError>())
}

/// What the status says, and what the system says, where it says something.
fn why(status: &Status) -> String {
    match causes(status).last().map(ToString::to_string) {
        Some(root) if root != status.message() => format!("{}: {root}", status.message()),
        Some(_) | None => status.message().to_owned(),
    }
}

fn causes(status: &Status) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(status.source(), |cause| (*cause).source())
}
