//! The index in SQLite: an FTS5 table, which finds the words itself.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::chat::Message;

use super::word_for;
use crate::ids;

/// Messages of a conversation in which every word of a query occurs, the best first.
pub(super) fn find(
    reader: &Reader<'_>,
    conversation_id: &str,
    query: &str,
    limit: u32,
) -> Result<Vec<i64>, Error> {
    let Some(words) = expression(query) else { return Ok(Vec::new()) };
    let matching = format!("conversation : \"{}\" AND content : ({words})", word_for(conversation_id));
    let sql = "SELECT rowid FROM message_text WHERE message_text MATCH ?1
               ORDER BY bm25(message_text, 0.0, 1.0), rowid DESC LIMIT ?2";
    reader.all(sql, params![matching, limit], |row| row.get(0))
}

pub(super) fn insert(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO message_text (rowid, conversation, content) VALUES (?1, ?2, ?3)";
    let word = word_for(&message.conversation_id);
    tx.execute(sql, params![ids::message(message.id), word, message.content]).map(drop)
}

pub(super) fn forget(tx: &Tx<'_>, message_id: u64) -> Result<(), Error> {
    tx.execute("DELETE FROM message_text WHERE rowid = ?1", [ids::message(message_id)]).map(drop)
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
