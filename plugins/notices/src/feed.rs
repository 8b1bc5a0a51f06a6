//! RSS and Atom feeds: asked now and then, politely.
//!
//! `fetch` asks, through `addresses` which keeps feeds from leading us inside, `entries` reads the answer, and here is when to
//! ask and what to do with the answer.

mod addresses;
mod entries;
mod fetch;
mod patience;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use causeway_plugin_sdk::{
    Backoff, CancellationToken, Host, Settled, Stopped, malformed,
    proto::plugin::{AccountState, InboundEvent},
};
use reqwest::Client;
use tokio::time::timeout;

use self::fetch::{Answer, Validators};
use crate::{
    error::FeedError,
    inbound::Publisher,
    settings::{Feed, Target},
};
/// Longest that a feed can have us wait, and longest between two tries of one that fails.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_BACKOFF: Duration = Duration::from_secs(6 * 60 * 60);

/// Reads one feed. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Reader(Arc<Source>);

struct Source {
    publisher: Publisher,
    client: Client,
    url: String,
    to: Target,
    interval: Duration,
    max_age: Duration,
    timeout: Duration,
    allow_private_addresses: bool,
}

/// What is known of a feed from the last time.
#[derive(Default)]
struct Memory {
    validators: Validators,
    /// Events that are settled, of those that the feed still repeats.
    settled: HashSet<String>,
}

impl Reader {
    /// Of settings that were checked.
    pub(crate) fn new(settings: &Feed) -> Result<Self, String> {
        let publisher = Publisher::new("feed", &settings.name, &settings.publishing);
        let client = fetch::client(settings.allow_private_addresses);
        Ok(Self(Arc::new(Source {
            publisher: publisher.map_err(|error| error.to_string())?,
            client: client.map_err(|error| error.without_url().to_string())?,
            url: settings.url.clone(),
            to: settings.to.clone(),
            interval: settings.interval,
            max_age: settings.max_age,
            timeout: settings.timeout,
            allow_private_addresses: settings.allow_private_addresses,
        })))
    }

    /// Asks until the stop.
    pub(crate) async fn run(self, host: Host, stop: CancellationToken) {
        // Dropping what is under way loses nothing: what was not settled is found again.
        let _ = stop.run_until_cancelled(self.0.follow(&host)).await;
    }
}

impl Source {
    async fn follow(&self, host: &Host) {
        let mut memory = Memory::default();
        let mut backoff = Backoff::new(self.interval, LONGEST_BACKOFF);
        loop {
            let asked = self.ask(&mut memory, host).await;
            let (state, advice, wait) = match asked {
                Ok(Ok(patience)) => {
                    backoff.reset();
                    (AccountState::Connected, String::new(), patience.max(self.interval))
                }
                Ok(Err(error)) => {
                    let wait = backoff.next().max(error.retry_after().unwrap_or_default());
                    (error.state(), error.to_string(), wait)
                }
                Err(Stopped) => return,
            };
            host.account(self.publisher.account(), state, &advice).await;
            tokio::time::sleep(wait.min(LONGEST)).await;
        }
    }

    /// Asks once, and pushes what is new. How long the feed wants to be left alone, or what is wrong with it.
    async fn ask(&self, memory: &mut Memory, host: &Host) -> Result<Result<Duration, FeedError>, Stopped> {
        let asked = fetch::fetch(&self.client, &self.url, &memory.validators, self.allow_private_addresses);
        let asked = timeout(self.timeout, asked).await.unwrap_or(Err(FeedError::TimedOut));
        let Answer { body, validators, patience } = match asked {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let Some(body) = body else { return Ok(Ok(patience)) };
        let contents = match entries::read(&body, &self.to, self.oldest()) {
            Ok(contents) => contents,
            Err(problem) => {
                host.push(malformed(self.publisher.account(), &problem, &body)).await?;
                return Ok(Err(FeedError::Unreadable(problem)));
            }
        };
        let events = contents.found.into_iter().map(|found| self.publisher.event(found)).collect();
        self.push(memory, host, events).await?;
        memory.validators = validators;
        Ok(Ok(patience.max(contents.ttl)))
    }

    /// Pushes what was not settled before, oldest first.
    async fn push(&self, memory: &mut Memory, host: &Host, events: Vec<InboundEvent>) -> Result<(), Stopped> {
        let ids: HashSet<String> = events.iter().map(|event| event.provider_id.clone()).collect();
        let is_new = |event: &InboundEvent| !memory.settled.contains(&event.provider_id);
        let settled = host.push_all(events.into_iter().filter(is_new).collect()).await?;
        let rejected = settled.iter().find_map(|settled| match settled {
            Settled::Rejected(reason) => Some(reason),
            Settled::Accepted | Settled::Duplicate | Settled::Ignored(_) => None,
        });
        if let Some(reason) = rejected {
            tracing::warn!(account = self.publisher.account(), reason, "entries of a feed were rejected");
        }
        memory.settled = ids;
        Ok(())
    }

    /// When the oldest entry was published that still counts, in seconds since the epoch.
    fn oldest(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.saturating_sub(self.max_age).as_secs()).unwrap_or(i64::MAX)
    }
}
