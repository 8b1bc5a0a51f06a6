//! Who is online, where, since when, and who is typing.
//!
//! Bridges report their sessions over one stream each (`attach`); one task (`keeper`) takes the reports
//! to two pure state machines, the `ledger` and `typing`, and publishes what follows as ephemeral events
//! on `presence/<user id>` and `conversation/<id>`. Only when a user was `seen` last is stored. Start with
//! `ledger`.

mod attach;
mod field;
mod gauges;
mod keeper;
mod ledger;
mod moment;
mod rpc;
mod schema;
mod seen;
mod settings;
mod typing;

use std::time::Duration;

use causeway_kit::{
    Context, Error, Part, Store,
    events::Hub,
    store::{OpenError, StoreOptions},
};
use causeway_proto::{event::Source, presence::presence_server::PresenceServer};

pub use self::settings::Settings;
use self::{
    gauges::Gauges,
    keeper::{Keeper, Task},
    rpc::Service,
    seen::Seen,
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

/// Starts the service: `presence.db` in the data directory, and the tasks that it needs until the context's
/// `stop`.
pub async fn start(settings: Settings, context: &Context) -> Result<Part, StartError> {
    let store = Store::open(
        StoreOptions {
            path: context.data_dir.join("presence.db"),
            name: "presence",
            migrations: schema::MIGRATIONS,
            clock: context.clock.clone(),
            bus: context.bus.clone(),
            retain: RETAIN,
        },
        &context.metrics,
    )?;
    let health = store.health();
    // No event is durable; but a hub with a store closes and tends it.
    let hub = Hub::durable(Source::Presence, store.clone(), context.bus.clone(), context.clock.clone());
    let seen = Seen::new(store);
    let remembered = seen.remembered().await?;
    let gauges = Gauges::register(&context.metrics);
    let (keeper, calls) = Keeper::new();
    let outlets = (hub.clone(), seen.clone(), context.clock.clone(), gauges);
    context.tasks.spawn(Task::new(settings, remembered, outlets).run(calls, context.stop.clone()));
    context.tasks.spawn(seen.clone().run(context.stop.clone()));

    let service = Service { keeper, seen, tasks: context.tasks.clone(), stop: context.stop.clone() };
    let server = PresenceServer::new(service);
    Ok(Part {
        name: "presence",
        hub,
        health,
        plugins: None,
        add: Box::new(move |routes| {
            routes.add_service(server);
        }),
    })
}
