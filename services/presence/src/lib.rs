//! Who is online, where, since when, and who is typing.
//!
//! Bridges report their sessions over one stream each (`attach`); one task (`keeper`) takes the reports
//! to two pure state machines, the `ledger` and `typing`, and publishes what follows as ephemeral events
//! on `presence/<user id>` and `conversation/<id>`. Only when a user was `seen` last is stored. Start with
//! `ledger`.
//!
//! Where several processes have presence together, the same state lies in Redis (`shared`), and any process
//! serves any bridge and any question. When users were last seen lies in the store then, where processes share
//! that too (PostgreSQL), and in Redis otherwise: the file of one process would be no place for it.

mod attach;
mod field;
mod gauges;
mod keeper;
mod ledger;
mod moment;
mod outlet;
mod refusal;
mod rpc;
mod schema;
mod seen;
mod settings;
mod shared;
mod state;
mod typing;

use std::time::Duration;

use causeway_kit::{
    Context, Error, Part, Store,
    events::Hub,
    store::{OpenError, Storage, StoreOptions},
};
use causeway_proto::{event::Source, presence::presence_server::PresenceServer};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use self::schema::SCHEMA;
pub use self::settings::{Settings, SharedAt};
use self::{
    gauges::Gauges,
    keeper::{Keeper, Local, Task},
    outlet::Outlet,
    rpc::Service,
    seen::Seen,
    shared::Shared,
};

/// No durable event is written, so the log has nothing to keep.
const RETAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its database cannot be read.
    #[error("the presence database cannot be read: {0}")]
    Read(#[from] Error),
}

/// Starts the service, and the tasks that it needs until the context's `stop`. Its store is called `presence`; there is none where
/// presence is shared and stores are files.
pub async fn start(settings: Settings, context: &Context) -> Result<Part, StartError> {
    let is_file = matches!(context.storage, Storage::Files(_));
    let store = if settings.shared.is_some() && is_file { None } else { Some(open(context).await?) };
    let (bus, clock) = (context.bus.clone(), context.clock.clone());
    let (hub, health) = match &store {
        // No event is durable; but a hub with a store closes and tends it.
        Some(store) => (Hub::durable(Source::Presence, store.clone(), bus, clock), store.health()),
        None => (Hub::ephemeral(Source::Presence, bus, clock), always_well(context)),
    };
    let broken = store.as_ref().map_or_else(CancellationToken::new, Store::broken);
    let seen = store.map(Seen::new);
    let outlet = Outlet::new(hub.clone(), seen.clone());
    let keeper = keep(settings, context, seen.as_ref(), outlet).await?;
    if let Some(seen) = seen.clone() {
        context.tasks.spawn(seen.run(context.stop.clone()));
    }
    let service = Service { keeper, seen, tasks: context.tasks.clone(), stop: context.closing.clone() };
    let server = PresenceServer::new(service);
    Ok(Part {
        name: "presence",
        hub,
        health,
        broken,
        plugins: None,
        add: Box::new(move |routes| {
            routes.add_service(server);
        }),
    })
}

/// In Redis, where that is set; else in a task of this process, which starts from what the store remembers.
async fn keep(
    mut settings: Settings,
    context: &Context,
    seen: Option<&Seen>,
    outlet: Outlet,
) -> Result<Keeper, StartError> {
    let gauges = Gauges::register(&context.metrics);
    if let Some(at) = settings.shared.take() {
        let tell = Box::new(move |told| outlet.tell(told));
        let shared = Shared::new(settings, &at, seen.is_some(), tell, gauges);
        context.tasks.spawn(shared.clone().run(context.stop.clone()));
        return Ok(Keeper::Shared(shared));
    }
    let remembered = match seen {
        Some(seen) => seen.remembered().await?,
        None => Vec::new(),
    };
    let (local, calls) = Local::new();
    let outlets = (outlet, context.clock.clone(), gauges);
    context.tasks.spawn(Task::new(settings, remembered, outlets).run(calls, context.stop.clone()));
    Ok(Keeper::Local(local))
}

async fn open(context: &Context) -> Result<Store, OpenError> {
    let options = StoreOptions {
        storage: context.storage.clone(),
        name: "presence",
        migrations: schema::MIGRATIONS,
        clock: context.clock.clone(),
        bus: context.bus.clone(),
        retain: RETAIN,
    };
    Store::open(options, &context.metrics).await
}

/// The health of a part that has nothing on the disk, until the stop.
fn always_well(context: &Context) -> watch::Receiver<bool> {
    let (well, health) = watch::channel(true);
    let stop = context.stop.clone();
    context.tasks.spawn(async move {
        stop.cancelled().await;
        drop(well);
    });
    health
}
