//! The chat service: users, audiences, conversations and messages.
//!
//! Start with [`start`]. A call comes in at `rpc`, which reads the request into a value (`Draft`, `Edit`, `Creation`, …) that
//! checks what can be checked without the store, and runs it in one job on the store. What the value does, and the SQL of its
//! noun, are in the file of that name; everything that others are to see is an event appended in the same job.
//!
//! | files | hold |
//! |---|---|
//! | `users`, `profiles`, `audiences` | the directory |
//! | `conversations`, `participants`, `seats`, `views` | what is stored of conversations, who is in them, how they look |
//! | `creation`, `membership`, `overview` | making, joining, leaving, listing and changing them |
//! | `draft`, `send`, `post`, `batch`, `idempotency` | the way of a new message |
//! | `messages`, `history`, `edits`, `reactions`, `receipts` | what is stored of messages, and what happens to them later |
//! | `support`, `unread` | conversations with outside customers |
//! | `channel` | plugins: how customers' messages come in and ours go out, and agents |
//! | `search`, `indexer` | full-text search |
//! | `away`, `notifier` | notifications that messages owe |

use std::sync::Arc;

use causeway_kit::{
    Context, Part, Store,
    events::Hub,
    outbox,
    plugin_host::Host,
    store::{OpenError, StoreOptions},
};
use causeway_proto::{
    chat::{chat_server::ChatServer, directory_server::DirectoryServer},
    client::Grpc,
    event::Source,
};
use tonic::service::RoutesBuilder;

mod audiences;
mod away;
mod batch;
mod channel;
mod conversations;
mod creation;
mod draft;
mod edits;
mod history;
mod idempotency;
mod ids;
mod indexer;
mod limits;
mod membership;
mod messages;
mod notifier;
mod overview;
mod participants;
mod post;
mod profiles;
mod reactions;
mod receipts;
mod rpc;
mod schema;
mod search;
mod seats;
mod send;
mod settings;
mod support;
mod unread;
mod users;
mod views;

pub use schema::SCHEMA;
pub use settings::{Assignment, OnMessage, Settings, WrongSetting};

use channel::ChannelDesk;
use indexer::Indexer;
use notifier::Notifier;
use rpc::Desk;

/// The services that chat owes calls to.
#[derive(Clone)]
pub struct Peers {
    /// `causeway.presence.v1`.
    pub presence: Grpc,
    /// `causeway.notification.v1`.
    pub notification: Grpc,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] WrongSetting),
}

/// Opens `chat.db` in the data directory and starts the work in the background. Fails when the store cannot be opened, or
/// when the settings name users or an audience by something that is no id.
pub async fn start(settings: Settings, context: &Context, peers: Peers) -> Result<Part, StartError> {
    let settings = Arc::new(settings.canonical()?);
    let options = StoreOptions {
        storage: context.storage.clone(),
        name: "chat",
        migrations: schema::MIGRATIONS,
        clock: context.clock.clone(),
        bus: context.bus.clone(),
        retain: settings.retain,
    };
    let store = Store::open(options, &context.metrics).await?;
    let indexer = Arc::new(Indexer::new(store.clone()));
    spawn_background(context, &settings, &store, &indexer, peers);
    let hub = Hub::durable(Source::Chat, store.clone(), context.bus.clone(), context.clock.clone());
    let (health, broken) = (store.health(), store.broken());
    let channels = ChannelDesk::new(settings.clone(), indexer.clone());
    let plugins = Host::new("chat", store.clone(), channels, Default::default(), context);
    let desk = Desk::new(store, settings, indexer, plugins.clone());
    let add = move |routes: &mut RoutesBuilder| {
        routes.add_service(ChatServer::new(desk.clone()));
        routes.add_service(DirectoryServer::new(desk));
    };
    Ok(Part { name: "chat", hub, health, broken, plugins: Some(plugins), add: Box::new(add) })
}

fn spawn_background(
    context: &Context,
    settings: &Settings,
    store: &Store,
    indexer: &Arc<Indexer>,
    peers: Peers,
) {
    let (tasks, stop) = (&context.tasks, &context.stop);
    tasks.spawn(indexer.clone().run(stop.clone()));
    let (clock, window) = (context.clock.clone(), settings.idempotency);
    tasks.spawn(idempotency::sweep(store.clone(), clock, window, stop.clone()));
    let notifier =
        Arc::new(Notifier::new(store.clone(), peers.presence, peers.notification, settings.on_message));
    let options = outbox::Options { batch: notifier::BATCH, ..outbox::Options::default() };
    let carry_out = move |items| {
        let notifier = notifier.clone();
        async move { notifier.carry_out(items).await }
    };
    tasks.spawn(outbox::run(store.clone(), away::KIND, options, stop.clone(), carry_out));
}
