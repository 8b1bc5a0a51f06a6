//! Full-text search in a conversation, and the index behind it.
//!
//! What a word is, and how matches are found and kept, is each engine's own: [`sqlite`], [`postgres`].
//!
//! Messages are not indexed as they are sent: FTS5 writes what it has gathered at every savepoint, which would cost each send
//! more than all its other statements. [`crate::indexer`] adds them in batches soon after, and before a search looks.

use causeway_kit::{
    Error,
    store::{Dialect, Reader, Tx, params},
};
use causeway_proto::{
    chat::{Message, SearchMessagesRequest, SearchMessagesResponse},
    id::{self, Given},
};

use crate::{ids, limits, messages, seats};

mod postgres;
mod sqlite;
mod words;

/// Longest query, in characters.
const QUERY: usize = 200;

/// A search.
pub(crate) struct Search {
    conversation: Given,
    user: Option<Given>,
    query: String,
    limit: u32,
}

impl Search {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: SearchMessagesRequest) -> Result<Self, Error> {
        limits::filled("query", &request.query, QUERY)?;
        Ok(Self {
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            user: ids::read_optional("user_id", &request.user_id)?,
            query: request.query,
            limit: limits::page(request.limit),
        })
    }

    /// Searches what is indexed.
    pub(crate) fn run(self, reader: &Reader<'_>) -> Result<SearchMessagesResponse, Error> {
        let (conversation, _) = seats::look(reader, &self.conversation, self.user.as_ref())?;
        let found = match reader.dialect() {
            Dialect::Sqlite => sqlite::find(reader, &conversation.id, &self.query, self.limit)?,
            Dialect::Postgres => postgres::find(reader, &conversation.id, &self.query, self.limit)?,
        };
        let mut found_messages = Vec::with_capacity(found.len());
        for id in found {
            let message = messages::find(reader, id)?;
            found_messages.extend(message.filter(|message| message.conversation_id == conversation.id));
        }
        Ok(SearchMessagesResponse { messages: limits::fitting(found_messages).collect() })
    }
}

/// The one word that stands for a conversation in the index.
fn word_for(conversation_id: &str) -> String {
    id::to_uuid(conversation_id).simple().to_string()
}

/// Up to which message all are indexed.
pub(crate) fn indexed(reader: &Reader<'_>) -> Result<i64, Error> {
    Ok(reader.one("SELECT message_id FROM search_index", [], |row| row.get(0))?.unwrap_or(0))
}

/// Indexes the next `count` messages.
pub(crate) fn index_next(tx: &Tx<'_>, count: i64) -> Result<(), Error> {
    let batch = messages::after(tx, indexed(tx)?, count)?;
    let Some(last) = batch.last().map(|message| ids::message(message.id)) else { return Ok(()) };
    for message in batch.iter().filter(|message| !message.content.is_empty()) {
        insert(tx, message)?;
    }
    tx.execute("UPDATE search_index SET message_id = ?1", params![last])?;
    Ok(())
}

/// Follows the change of a message's text. One that is not indexed yet will be, as it is then.
pub(crate) fn update(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    if ids::message(message.id) <= Some(indexed(tx)?) { insert(tx, message) } else { Ok(()) }
}

/// Follows the deletion of a message.
pub(crate) fn forget(tx: &Tx<'_>, message_id: u64) -> Result<(), Error> {
    match tx.dialect() {
        Dialect::Sqlite => sqlite::forget(tx, message_id),
        Dialect::Postgres => postgres::forget(tx, message_id),
    }
}

fn insert(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    match tx.dialect() {
        Dialect::Sqlite => sqlite::insert(tx, message),
        Dialect::Postgres => postgres::insert(tx, message),
    }
}
