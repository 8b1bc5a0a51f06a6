//! Notifications to users and audiences, and bulk messages in the background.
//!
//! Every call (`rpc`) is one job of the store: what it makes true and the durable event about it, on
//! `user/<id>` or `audience/<id>`, are one transaction. `publish` makes notifications, `inbox` shows them
//! to a user with what of them is read (`reading`), and `courier` carries `bulk` messages out. `notices` is
//! where plugins' notices come in. Start with `publish`.

mod bulk;
mod counters;
mod courier;
mod field;
mod inbox;
mod notices;
mod once;
mod person;
mod publish;
mod reading;
mod rpc;
mod schema;
mod settings;

use causeway_kit::{
    Context, Part, Store,
    events::Hub,
    plugin_host::Host,
    store::{OpenError, StoreOptions},
};
use causeway_proto::{event::Source, notification::notifications_server::NotificationsServer};

pub use self::schema::SCHEMA;
pub use self::settings::Settings;
use self::{counters::Counters, courier::Courier, notices::Notices, rpc::Service};

/// Starts the service: `notification.db` in the data directory, and the task that carries bulk messages out
/// until the context's `stop`. Fails when the database cannot be opened.
pub async fn start(settings: Settings, context: &Context) -> Result<Part, OpenError> {
    let Settings { retain, idempotency, bulk_group } = settings;
    let store = Store::open(
        StoreOptions {
            storage: context.storage.clone(),
            name: "notification",
            migrations: schema::MIGRATIONS,
            clock: context.clock.clone(),
            bus: context.bus.clone(),
            retain,
        },
        &context.metrics,
    )
    .await?;
    let (health, broken) = (store.health(), store.broken());
    let hub = Hub::durable(Source::Notification, store.clone(), context.bus.clone(), context.clock.clone());
    let counters = Counters::register(&context.metrics);
    let courier = Courier::new(store.clone(), context.stop.clone());
    context.tasks.spawn(courier.clone().run(bulk_group, counters.clone()));

    let notices = Notices { courier: courier.clone(), counters: counters.clone() };
    let plugins = Host::new("notification", store.clone(), notices, Default::default(), context);
    let server =
        NotificationsServer::new(Service { store, courier, counters, idempotency, plugins: plugins.clone() });
    Ok(Part {
        name: "notification",
        hub,
        health,
        broken,
        plugins: Some(plugins),
        add: Box::new(move |routes| {
            routes.add_service(server);
        }),
    })
}
