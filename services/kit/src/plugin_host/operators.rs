//! `causeway.plugin.v1.Plugins`: what operators see of plugins and outboxes, over all services of a process.

use std::{sync::Arc, time::Duration};

use causeway_proto::{
    plugin::{
        AddPluginRequest, AddPluginResponse, ListOutboxRequest, ListOutboxResponse, ListPluginsRequest,
        ListPluginsResponse, ListSetAsideRequest, ListSetAsideResponse, OutboxItem, PluginStatus,
        RemovePluginRequest, RemovePluginResponse, ReplayOutboxRequest, ReplayOutboxResponse,
        plugins_server::Plugins,
    },
    time,
};
use tonic::{Request, Response, Status};

use super::{Host, Progress, credentials, gauges::Reading, in_hand, place, registry};
use crate::{
    error::Error,
    store::{
        Reader, Tx, line, listing,
        listing::{Filter, Waiting},
    },
};

/// An account of which nothing was heard for this long is unknown.
const SILENCE: Duration = Duration::from_secs(90);

/// Items that are replayed in one job of the store.
const REPLAY: usize = 500;

/// The desk of operators. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Operators {
    hosts: Arc<[Host]>,
}

impl Operators {
    pub(crate) fn new(hosts: Vec<Host>) -> Self {
        Self { hosts: hosts.into() }
    }
}

/// 0 means 50, above 1 000 means 1 000.
fn page(limit: u32) -> u32 {
    if limit == 0 { 50 } else { limit.min(1_000) }
}

#[tonic::async_trait]
impl Plugins for Operators {
    async fn add_plugin(
        &self,
        request: Request<AddPluginRequest>,
    ) -> Result<Response<AddPluginResponse>, Status> {
        let request = request.into_inner();
        let kind = request.kind();
        credentials::check_name(&request.name)?;
        let token = credentials::choose(request.token)?;
        let host = self.hosts.iter().find(|host| host.serves(kind));
        let host = host.ok_or_else(|| Error::conflict("nobody here hosts plugins of that kind"))?;
        for other in self.hosts.iter().filter(|other| other.inner.service != host.inner.service) {
            let name = request.name.clone();
            if other.inner.store.read(move |reader| credentials::kind(reader, &name)).await?.is_some() {
                return Err(Error::exists("a plugin of another kind has the name").into());
            }
        }
        let (name, made) = (request.name, token.clone());
        host.inner.store.write(move |tx| credentials::add(tx, &name, kind, &made)).await?;
        Ok(Response::new(AddPluginResponse { token }))
    }

    async fn remove_plugin(
        &self,
        request: Request<RemovePluginRequest>,
    ) -> Result<Response<RemovePluginResponse>, Status> {
        let name = request.into_inner().name;
        for host in self.hosts.iter() {
            let wanted = name.clone();
            let removed = host.inner.store.write(move |tx| {
                credentials::remove(tx, &wanted)?;
                place::remove(tx, &wanted)
            });
            match removed.await {
                Ok(()) => {
                    host.dismiss(&name);
                    return Ok(Response::new(RemovePluginResponse {}));
                }
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::not_found("plugin").into())
    }

    async fn list_plugins(
        &self,
        _: Request<ListPluginsRequest>,
    ) -> Result<Response<ListPluginsResponse>, Status> {
        let mut plugins = Vec::new();
        for host in self.hosts.iter() {
            let known = host.inner.store.read(registry::all).await?;
            for known in known {
                let here = host.live(&known.name).map(|live| live.gauges.read());
                let now = host.inner.store.clock().now_micros();
                let read = host.inner.store.read(move |reader| status(reader, known, here, now));
                plugins.push(read.await?);
            }
        }
        plugins.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Response::new(ListPluginsResponse { plugins }))
    }

    async fn list_set_aside(
        &self,
        request: Request<ListSetAsideRequest>,
    ) -> Result<Response<ListSetAsideResponse>, Status> {
        let ListSetAsideRequest { plugin, limit } = request.into_inner();
        let mut events = Vec::new();
        for host in self.hosts.iter() {
            let plugin = plugin.clone();
            let read = host.inner.store.read(move |reader| registry::aside(reader, &plugin, page(limit)));
            events.extend(read.await?);
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.time.as_ref().map(time::to_micros)));
        events.truncate(page(limit) as usize);
        Ok(Response::new(ListSetAsideResponse { events }))
    }

    async fn list_outbox(
        &self,
        request: Request<ListOutboxRequest>,
    ) -> Result<Response<ListOutboxResponse>, Status> {
        let request = request.into_inner();
        let mut items: Vec<OutboxItem> = Vec::new();
        for host in self.hosts.iter() {
            let filter = Filter {
                kind: request.kind.clone(),
                state: request.state(),
                after: i64::try_from(request.after).unwrap_or(i64::MAX),
                limit: page(request.limit),
            };
            let service = host.inner.service;
            let read = host.inner.store.read(move |reader| listing::items(reader, service, &filter));
            items.extend(read.await?);
        }
        items.sort_by_key(|item| item.id);
        items.truncate(page(request.limit) as usize);
        Ok(Response::new(ListOutboxResponse { items }))
    }

    async fn replay_outbox(
        &self,
        request: Request<ReplayOutboxRequest>,
    ) -> Result<Response<ReplayOutboxResponse>, Status> {
        let ReplayOutboxRequest { kind, ids } = request.into_inner();
        let ids = serde_json::to_string(&ids).map_err(Error::internal)?;
        let mut count = 0;
        for host in self.hosts.iter() {
            loop {
                let (inner, kind, ids) = (host.inner.clone(), kind.clone(), ids.clone());
                let replayed = host.inner.store.write(move |tx| {
                    let dead = line::given_up(tx, &kind, &ids, REPLAY)?;
                    let replayed = dead.len();
                    dead.into_iter().try_for_each(|(kind, item)| replay(tx, &inner, &kind, item))?;
                    Ok(replayed)
                });
                let replayed = replayed.await?;
                count += u64::try_from(replayed).unwrap_or(u64::MAX);
                if replayed < REPLAY {
                    break;
                }
            }
        }
        Ok(Response::new(ReplayOutboxResponse { count }))
    }
}

fn replay(tx: &mut Tx<'_>, inner: &super::host::Inner, kind: &str, item: line::Item) -> Result<(), Error> {
    line::replay(tx, kind, &item)?;
    tx.wake_outboxes();
    match kind.strip_prefix("plugin/") {
        Some(plugin) => in_hand::note(tx, inner, &in_hand::owed(plugin, item), Progress::Replayed),
        None => Ok(()),
    }
}

/// A plugin as it stands.
fn status(
    reader: &Reader<'_>,
    known: registry::Known,
    here: Option<Reading>,
    now: i64,
) -> Result<PluginStatus, Error> {
    let elsewhere =
        || place::note(reader, &known.name, now).map(|note| note.map(|it| Reading::from_note(&it)));
    let attached = here.map_or_else(elsewhere, |reading| Ok(Some(reading)))?;
    let silence = i64::try_from(SILENCE.as_micros()).unwrap_or(i64::MAX);
    let heard_since = if attached.is_some() { now.saturating_sub(silence) } else { i64::MAX };
    let Waiting { waiting, dead, oldest } = listing::waiting(reader, &super::desk::kind(&known.name))?;
    let Reading { event_credit, delivery_credit, event_lag_ms } = attached.unwrap_or_default();
    Ok(PluginStatus {
        attached: attached.is_some(),
        since: known.since.map(time::from_micros),
        accounts: registry::accounts(reader, &known.name, heard_since)?,
        event_credit,
        delivery_credit,
        event_lag_ms,
        deliveries_waiting: waiting,
        deliveries_dead: dead,
        delivery_lag_ms: oldest.map_or(0, |at| u64::try_from((now - at) / 1_000).unwrap_or(0)),
        set_aside: registry::aside_count(reader, &known.name)?,
        last_error_at: known.last_error_at.map(time::from_micros),
        name: known.name,
        kind: known.kind,
        version: known.version,
        instance: known.instance,
        last_error: known.last_error,
    })
}
