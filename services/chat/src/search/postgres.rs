//! The index in PostgreSQL: a `tsvector` for each message, made of the words that we find, so that both engines find the same.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::chat::Message;

use super::{word_for, words};
use crate::ids;

/// The last position that a word in a `tsvector` can have (PostgreSQL, "Limitations" of text search). Words behind it share it.
const LAST: usize = 16_383;

/// Messages of a conversation in which every word of a query occurs, the best first.
pub(super) fn find(
    reader: &Reader<'_>,
    conversation_id: &str,
    query: &str,
    limit: u32,
) -> Result<Vec<i64>, Error> {
    let Some(wanted) = expression(query) else { return Ok(Vec::new()) };
    let matching = format!("{}:D & {wanted}", word_for(conversation_id));
    // 1: of two texts in which a word occurs as often, the shorter is the better.
    let sql = "SELECT message_id FROM message_text WHERE words @@ CAST(CAST(?1 AS TEXT) AS TSQUERY)
               ORDER BY ts_rank(words, CAST(CAST(?2 AS TEXT) AS TSQUERY), 1) DESC, message_id DESC LIMIT ?3";
    reader.all(sql, params![matching, wanted, limit], |row| row.get(0))
}

pub(super) fn insert(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    let sql = "INSERT INTO message_text (message_id, words) VALUES (?1, CAST(CAST(?2 AS TEXT) AS TSVECTOR))
               ON CONFLICT (message_id) DO UPDATE SET words = excluded.words";
    tx.send(sql, params![ids::message(message.id), vector(&message.conversation_id, &message.content)])
}

pub(super) fn forget(tx: &Tx<'_>, message_id: u64) -> Result<(), Error> {
    tx.send("DELETE FROM message_text WHERE message_id = ?1", [ids::message(message_id)])
}

/// A text as PostgreSQL reads a `tsvector`. Its words are letters and digits, so nothing in it is syntax.
fn vector(conversation_id: &str, content: &str) -> String {
    let mut vector = format!("{}:1D", word_for(conversation_id));
    for (place, word) in words::of(content).enumerate() {
        vector.push_str(&format!(" {word}:{}A", (place + 1).min(LAST)));
    }
    vector
}

/// What a person typed as a `tsquery`: every word must occur, the last as the beginning of one. `None` when there is no word in it.
/// One such as "re-open" finds its parts side by side.
fn expression(query: &str) -> Option<String> {
    let typed = query.split(|c: char| c.is_whitespace() || c.is_control());
    let parts = typed.map(|one| words::of(one).map(|word| format!("{word}:A")).collect::<Vec<_>>());
    let phrases: Vec<_> = parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" <-> ")).collect();
    if phrases.is_empty() { None } else { Some(format!("({}*)", phrases.join(") & ("))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_occur_and_the_last_may_be_a_beginning() {
        assert_eq!(expression("Hello wor").as_deref(), Some("(hello:A) & (wor:A*)"));
        assert_eq!(expression("re-open").as_deref(), Some("(re:A <-> open:A*)"));
        assert_eq!(expression("- ' :* \0"), None);
    }

    #[test]
    fn a_text_is_its_words_and_where_they_are() {
        let conversation = word_for("7");
        assert_eq!(
            vector("7", "It's nice, it is"),
            format!("{conversation}:1D it:1A s:2A nice:3A it:4A is:5A")
        );
    }
}
