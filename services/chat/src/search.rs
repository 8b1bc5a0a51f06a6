//! Full-text search in a conversation, and the index behind it.
//!
//! Messages are not indexed as they are sent: FTS5 writes what it has gathered at every savepoint, which would cost each send
//! more than all its other statements. [`crate::indexer`] adds them in batches soon after, and before a search looks.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    chat::{Message, SearchMessagesRequest, SearchMessagesResponse},
    id::{self, Given},
};

use crate::{ids, limits, messages, seats};

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
        let Some(words) = expression(&self.query) else {
            return Ok(SearchMessagesResponse { messages: Vec::new() });
        };
        let matching = format!("conversation : \"{}\" AND content : ({words})", word_for(&conversation.id));
        let found: Vec<i64> = reader.all(
            "SELECT rowid FROM message_text WHERE message_text MATCH ?1
             ORDER BY bm25(message_text, 0.0, 1.0), rowid DESC LIMIT ?2",
            params![matching, self.limit],
            |row| row.get(0),
        )?;
        let mut found_messages = Vec::with_capacity(found.len());
        for id in found {
            let message = messages::find(reader, id)?;
            found_messages.extend(message.filter(|message| message.conversation_id == conversation.id));
        }
        Ok(SearchMessagesResponse { messages: limits::fitting(found_messages).collect() })
    }
}

/// What a person typed as an FTS5 expression: every word must occur, the last as the beginning of one. `None` when there is no
/// word in it. Each word is quoted, so that nothing in it is an operator; one such as "re-open" finds its parts side by side.
fn expression(query: &str) -> Option<String> {
    let words: Vec<String> = query
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    if words.is_empty() { None } else { Some(format!("{} *", words.join(" AND "))) }
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
    tx.execute("DELETE FROM message_text WHERE rowid = ?1", params![ids::message(message_id)])?;
    Ok(())
}

fn insert(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO message_text (rowid, conversation, content) VALUES (?1, ?2, ?3)";
    let word = word_for(&message.conversation_id);
    tx.execute(sql, params![ids::message(message.id), word, message.content])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_word_must_occur_and_the_last_may_be_a_beginning() {
        assert_eq!(expression("hello wor").as_deref(), Some("\"hello\" AND \"wor\" *"));
        assert_eq!(expression("  one ").as_deref(), Some("\"one\" *"));
    }

    #[test]
    fn what_people_type_is_never_syntax() {
        assert_eq!(expression("say \"hi").as_deref(), Some("\"say\" AND \"\"\"hi\" *"));
        assert_eq!(expression("NEAR(a b)").as_deref(), Some("\"NEAR(a\" AND \"b)\" *"));
        assert_eq!(expression("a\0b").as_deref(), Some("\"a\" AND \"b\" *"));
    }

    #[test]
    fn without_a_word_there_is_nothing_to_look_for() {
        for query in [" ", "\"", "*", "- + ^", "()", "\0", "…"] {
            assert_eq!(expression(query), None, "{query:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quote_is_closed_whatever_is_typed(query in ".{0,60}") {
            if let Some(expression) = expression(&query) {
                prop_assert_eq!(expression.matches('"').count() % 2, 0);
                prop_assert!(!expression.contains('\0'));
            }
        }
    }
}
