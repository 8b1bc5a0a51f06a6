//! What the services have, read through them from the beginning.

use std::collections::BTreeMap;

use causeway_proto::{
    chat::{ListMessagesRequest, ListMessagesResponse, Message, chat_client::ChatClient},
    client::Grpc,
    event::{Event, ReadRequest, Source, event::Body, events_client::EventsClient},
};
use tonic::Code;

/// Events of a page; the most that the services give.
const PAGE: u32 = 500;
/// Messages of a page of history.
const HISTORY: u32 = 100;

/// What is stored, by room.
#[derive(Debug, Default)]
pub(crate) struct Stored(pub(crate) BTreeMap<String, Log>);

/// What is stored of a room.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The number of every event of its topic.
    pub(crate) sequences: Vec<u64>,
    /// Its messages in the order of those events.
    pub(crate) messages: Vec<Entry>,
    /// Its messages as the history has them.
    pub(crate) history: Vec<Entry>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What its sender calls it.
    pub(crate) key: String,
    /// What the services call it.
    pub(crate) id: u64,
}

impl Stored {
    /// Reads rooms through a chat service.
    pub(crate) async fn read(grpc: &Grpc, rooms: &[String]) -> anyhow::Result<Self> {
        let mut stored = Self::default();
        for room in rooms {
            let mut log = Log { history: history(grpc, room).await?, ..Log::default() };
            for event in events(grpc, room).await? {
                log.sequences.push(event.sequence);
                if let Some(Body::MessageCreated(created)) = event.body {
                    log.messages.extend(created.message.as_ref().map(Entry::of));
                }
            }
            stored.0.insert(room.clone(), log);
        }
        Ok(stored)
    }
}

impl Entry {
    fn of(message: &Message) -> Self {
        Self { key: message.content.clone(), id: message.id }
    }
}

async fn events(grpc: &Grpc, room: &str) -> anyhow::Result<Vec<Event>> {
    let mut client = EventsClient::new(grpc.clone());
    let mut events: Vec<Event> = Vec::new();
    loop {
        let request = ReadRequest {
            source: Source::Chat.into(),
            topic: format!("conversation/{room}"),
            after: events.last().map_or(0, |event| event.sequence),
            limit: PAGE,
        };
        let page = client.read(request).await?.into_inner();
        anyhow::ensure!(!page.history_lost, "the log of {room} does not reach back to its beginning");
        let is_last = page.events.is_empty();
        events.extend(page.events);
        if is_last {
            return Ok(events);
        }
    }
}

async fn history(grpc: &Grpc, room: &str) -> anyhow::Result<Vec<Entry>> {
    let mut client = ChatClient::new(grpc.clone());
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let request = ListMessagesRequest {
            conversation_id: room.to_owned(),
            before,
            limit: HISTORY,
            ..Default::default()
        };
        let page = match client.list_messages(request).await {
            Ok(page) => page.into_inner(),
            // The room itself is gone, and with it everything in it.
            Err(status) if status.code() == Code::NotFound => ListMessagesResponse::default(),
            Err(status) => return Err(status.into()),
        };
        before = page.messages.first().map(|message| message.id);
        pages.push(page.messages.iter().map(Entry::of).collect::<Vec<_>>());
        if !page.has_more {
            return Ok(pages.into_iter().rev().flatten().collect());
        }
    }
}
