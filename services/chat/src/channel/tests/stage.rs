//! A chat store on a temporary directory, a desk, and what a plugin and its provider would say.

use std::{sync::Arc, time::Duration};

use causeway_kit::{
    Error, Store,
    bus::Bus,
    metrics::Metrics,
    plugin_host::{Desk, Owed, Prepared, Progress, Verdict},
    store::{Reader, StoreOptions, Tx, params},
    testing,
};
use causeway_proto::{
    chat::{Message, PutUserRequest, SendMessageRequest},
    event::{Event, event},
    plugin::{
        Capabilities, Customer, CustomerMessage, Delivery, DeliveryState, InboundEvent, OwnMessage,
        PluginKind, inbound_event::Body,
    },
    time::Clock,
};
use prost::Message as _;
use tempfile::TempDir;

use crate::{
    channel::{ChannelDesk, customers, inbound::Origin},
    draft::Draft,
    indexer::Indexer,
    messages, profiles,
    schema::MIGRATIONS,
    send,
    settings::Settings,
};

/// Noon of some day, in microseconds since the epoch.
pub(super) const NOON: i64 = 1_764_000_000_000_000;

pub(super) const ACCOUNT: &str = "support_bot";

pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) clock: Clock,
    desk: Arc<ChannelDesk>,
    settings: Arc<Settings>,
    _directory: TempDir,
}

/// A plugin that can do everything, with a short limit for texts.
pub(super) fn able() -> Capabilities {
    Capabilities {
        text_limit: 20,
        attachment_kinds: ["image", "file"].map(str::to_owned).to_vec(),
        can_edit: true,
        can_delete: true,
        ..Capabilities::default()
    }
}

pub(super) fn john() -> Customer {
    Customer { id: "77".into(), first_name: "John".into(), last_name: "Doe".into(), ..Customer::default() }
}

/// What John writes.
pub(super) fn wrote(message_id: &str, text: &str) -> CustomerMessage {
    CustomerMessage {
        customer: Some(john()),
        message_id: message_id.to_owned(),
        text: text.to_owned(),
        ..CustomerMessage::default()
    }
}

/// What somebody of ours wrote to John by other means.
pub(super) fn own(message_id: &str, text: &str) -> OwnMessage {
    OwnMessage {
        customer: Some(john()),
        message_id: message_id.to_owned(),
        text: text.to_owned(),
        ..OwnMessage::default()
    }
}

impl Stage {
    /// Helpers ann and ben, the channels telegram and instagram, the agent bot.
    pub(super) async fn new() -> Self {
        let stage = Self::with_helpers(&["ann", "ben"]).await;
        stage.plugin("bot", PluginKind::Agent).await;
        stage
    }

    /// The channels telegram and instagram, and these helpers.
    pub(super) async fn with_helpers(helpers: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(NOON);
        let options = StoreOptions {
            storage: testing::storage(directory.path()),
            name: "chat",
            migrations: MIGRATIONS,
            clock: clock.clone(),
            bus: Bus::default(),
            retain: Duration::from_secs(3600),
        };
        let store = Store::open(options, &Metrics::default()).await.unwrap();
        let settings = Arc::new(Settings::default());
        let desk = ChannelDesk::new(settings.clone(), Arc::new(Indexer::new(store.clone())));
        let stage = Self { store, clock, desk: Arc::new(desk), settings, _directory: directory };
        for id in helpers {
            let request = PutUserRequest {
                id: (*id).to_owned(),
                add_audiences: vec!["helpdesk".into()],
                ..PutUserRequest::default()
            };
            stage.user(request).await;
        }
        for channel in ["telegram", "instagram"] {
            stage.plugin(channel, PluginKind::Channel).await;
        }
        stage
    }

    pub(super) async fn user(&self, request: PutUserRequest) {
        let put = profiles::Put::read(request, false).unwrap();
        self.write(|tx| put.run(tx)).await.unwrap();
    }

    pub(super) async fn plugin(&self, name: &'static str, kind: PluginKind) {
        let sql = "INSERT INTO plugin (name, kind) VALUES (?1, ?2)";
        self.write(move |tx| tx.execute(sql, params![name, kind as i32])).await.unwrap();
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store.write(job).await
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> T {
        self.store.read(job).await.unwrap()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now_micros() + i64::try_from(time.as_micros()).unwrap());
    }

    /// A plugin pushes an event, which happens now.
    pub(super) async fn push(&self, plugin: &'static str, body: Body) -> Result<Verdict, Error> {
        let event = InboundEvent { account: ACCOUNT.into(), body: Some(body), ..InboundEvent::default() };
        self.push_event(plugin, event).await
    }

    pub(super) async fn push_event(
        &self,
        plugin: &'static str,
        event: InboundEvent,
    ) -> Result<Verdict, Error> {
        let desk = self.desk.clone();
        self.write(move |tx| desk.apply(tx, plugin, event)).await
    }

    /// John writes on Telegram; the conversation.
    pub(super) async fn john_writes(&self, message_id: &str, text: &str) -> String {
        let body = Body::CustomerMessage(wrote(message_id, text));
        assert_eq!(self.push("telegram", body).await.unwrap(), Verdict::Accepted);
        self.conversation("telegram").await
    }

    /// John's conversation on a channel.
    pub(super) async fn conversation(&self, plugin: &'static str) -> String {
        let from = Origin { plugin, account: ACCOUNT, time: 0 };
        let find = move |reader: &Reader<'_>| customers::find(reader, &from, "77");
        self.read(find).await.unwrap().conversation_id
    }

    pub(super) async fn send(&self, request: SendMessageRequest) -> Message {
        let draft = Draft::read(request, false).unwrap();
        let settings = self.settings.clone();
        let answer = self.write(move |tx| send::send_one(tx, draft, &settings)).await.unwrap();
        answer.message.unwrap()
    }

    /// A user says something in a conversation.
    pub(super) async fn say(&self, sender: &str, conversation: &str, content: &str) -> Message {
        let request = SendMessageRequest {
            conversation_id: conversation.to_owned(),
            sender_id: sender.to_owned(),
            content: content.to_owned(),
            ..SendMessageRequest::default()
        };
        self.send(request).await
    }

    /// The messages of a conversation, oldest first.
    pub(super) async fn messages(&self, conversation: &str) -> Vec<Message> {
        let id = conversation.to_owned();
        let mut messages = self.read(move |reader| messages::older(reader, &id, None, 100)).await;
        messages.reverse();
        messages
    }

    /// The newest message of a conversation.
    pub(super) async fn newest(&self, conversation: &str) -> Message {
        self.messages(conversation).await.pop().unwrap()
    }

    /// What happened on a topic, from the first.
    pub(super) async fn events(&self, topic: &str) -> Vec<event::Body> {
        let topic = topic.to_owned();
        let sql = "SELECT e.body FROM event AS e JOIN topic AS t ON t.id = e.topic WHERE t.name = ?1
                   ORDER BY e.sequence";
        let encoded: Vec<Vec<u8>> = self.read(move |reader| reader.all(sql, [topic], |row| row.get(0))).await;
        encoded.iter().map(|bytes| Event::decode(bytes.as_slice()).unwrap().body.unwrap()).collect()
    }

    /// What a plugin is owed, in order.
    pub(super) async fn owed(&self, plugin: &'static str) -> Vec<Owed> {
        let sql =
            "SELECT id, key, payload, attempts, part, uncertain FROM outbox WHERE kind = ?1 ORDER BY id";
        let all = move |reader: &Reader<'_>| {
            reader.all(sql, [format!("plugin/{plugin}")], |row| {
                Ok(Owed {
                    id: row.get(0)?,
                    plugin: plugin.to_owned(),
                    key: row.get(1)?,
                    payload: row.get(2)?,
                    attempts: row.get(3)?,
                    part: row.get(4)?,
                    uncertain: row.get(5)?,
                })
            })
        };
        self.read(all).await
    }

    /// What comes of looking at what is owed.
    pub(super) async fn prepare(&self, owed: &Owed, can: Capabilities) -> Prepared {
        let (desk, owed) = (self.desk.clone(), owed.clone());
        self.read(move |reader| desk.prepare(reader, &owed, &can)).await
    }

    /// What is handed to the plugin, and in how many parts.
    pub(super) async fn delivery(&self, owed: &Owed, can: Capabilities) -> (Delivery, u32) {
        match self.prepare(owed, can).await {
            Prepared::Deliver { delivery, parts } => (*delivery, parts),
            other => panic!("nothing is handed out but {other:?}"),
        }
    }

    pub(super) async fn note(&self, owed: &Owed, progress: Progress) {
        let (desk, owed) = (self.desk.clone(), owed.clone());
        self.write(move |tx| desk.note(tx, &owed, progress)).await.unwrap();
    }

    pub(super) async fn reached(&self, plugin: &'static str, delivery_id: i64, state: DeliveryState) {
        let desk = self.desk.clone();
        self.write(move |tx| desk.reached(tx, plugin, delivery_id, state)).await.unwrap();
    }

    /// The provider took what is owed, as one message.
    pub(super) async fn sent(&self, owed: &Owed, provider_message_id: &str) {
        let provider_message_id = provider_message_id.to_owned();
        self.note(owed, Progress::Sent { provider_message_id, is_last: true }).await;
        self.set_state(owed.id, None).await;
    }

    /// A plugin has a delivery in hand.
    pub(super) async fn take_in_hand(&self, owed: &Owed) {
        self.set_state(owed.id, Some(1)).await;
    }

    /// Sets the state of an item of the outbox; without one it goes.
    async fn set_state(&self, id: i64, state: Option<u32>) {
        let write = self.write(move |tx| match state {
            Some(state) => tx.execute("UPDATE outbox SET state = ?2 WHERE id = ?1", params![id, state]),
            None => tx.execute("DELETE FROM outbox WHERE id = ?1", [id]),
        });
        write.await.unwrap();
    }
}
