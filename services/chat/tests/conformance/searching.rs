//! Full-text search.

use causeway_proto::chat::{DeleteMessageRequest, EditMessageRequest, Message, SearchMessagesRequest};
use proptest::{
    prop_oneof,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use tonic::Code;

use crate::stage::{Stage, code, field};

async fn room(contents: &[&str]) -> (Stage, Vec<Message>) {
    let stage = Stage::of(&["alice", "bob", "mallory"]).await;
    stage.group("room", &["alice", "bob"]).await;
    stage.group("other", &["alice"]).await;
    let mut sent = Vec::new();
    for content in contents {
        sent.push(stage.say("alice", "room", content).await);
    }
    (stage, sent)
}

fn query(query: &str) -> SearchMessagesRequest {
    SearchMessagesRequest {
        conversation_id: "room".into(),
        user_id: "bob".into(),
        query: query.to_owned(),
        limit: 0,
    }
}

async fn find(stage: &Stage, words: &str) -> Vec<String> {
    let answer = stage.chat().search_messages(query(words)).await.unwrap().into_inner();
    answer.messages.into_iter().map(|message| message.content).collect()
}

#[tokio::test]
async fn every_word_must_occur_and_the_last_may_be_a_beginning() {
    let (stage, _) = room(&["the quick brown fox", "the slow fox", "quicksilver"]).await;
    assert_eq!(find(&stage, "quick fox").await, ["the quick brown fox"]);
    assert_eq!(find(&stage, "the fo").await.len(), 2);
    assert_eq!(find(&stage, "fo the").await.len(), 0, "only the last word");
    assert_eq!(find(&stage, "QUICK").await.len(), 2);
}

#[tokio::test]
async fn the_best_match_is_first() {
    let (stage, _) =
        room(&["tea and a long tale of very many other things that happened", "tea tea", "coffee"]).await;
    assert_eq!(find(&stage, "tea").await[0], "tea tea");
}

#[tokio::test]
async fn only_this_conversation_is_searched() {
    let (stage, _) = room(&["apple"]).await;
    stage.say("alice", "other", "apple pie").await;
    assert_eq!(find(&stage, "apple").await, ["apple"]);
}

#[tokio::test]
async fn accents_and_other_scripts_are_words() {
    let (stage, _) = room(&["Crème brûlée", "привет мир", "हिन्दी भाषा"]).await;
    assert_eq!(find(&stage, "creme brul").await.len(), 1);
    assert_eq!(find(&stage, "ПРИВЕТ").await.len(), 1);
    assert_eq!(find(&stage, "हिन्दी").await.len(), 1);
}

#[tokio::test]
async fn nothing_that_is_typed_is_an_operator() {
    let (stage, _) = room(&["say \"hello\" to NEAR and OR", "re-open the case", "hello"]).await;
    assert_eq!(find(&stage, "\"hello\"").await.len(), 2);
    assert_eq!(find(&stage, "hello OR case").await.len(), 0, "OR is a word");
    assert_eq!(find(&stage, "hello NEAR").await.len(), 1);
    assert_eq!(find(&stage, "re-open").await.len(), 1);
    assert_eq!(find(&stage, "-open").await.len(), 1, "nothing is excluded");
    for odd in [
        "\"",
        "*",
        "hello*",
        "NEAR(",
        "NEAR(hello case, 2)",
        "-",
        "^hello",
        "a:b",
        "content:hello",
        "{content}:x",
    ] {
        find(&stage, odd).await;
    }
    for odd in [
        "(",
        ")",
        "' OR 1=1 --",
        "\0",
        "hello\0",
        "conversation : x",
        "\\",
        "+",
        "hello AND",
        "NOT hello",
        "…",
    ] {
        find(&stage, odd).await;
    }
    for empty in [" ", "\"\"", "***", "- -", "🙂"] {
        assert!(find(&stage, empty).await.is_empty(), "{empty:?}");
    }
}

#[tokio::test]
async fn whatever_is_typed_is_answered() {
    let (stage, _) = room(&["hello world"]).await;
    let mut runner = TestRunner::deterministic();
    let typed = prop_oneof![".{1,40}", "[\"*()^:+ a-cNEAROTD-]{1,20}"];
    for _ in 0..300 {
        let words = typed.new_tree(&mut runner).unwrap().current();
        let answer = stage.chat().search_messages(query(&words)).await;
        assert!(answer.is_ok(), "{words:?}: {answer:?}");
    }
}

#[tokio::test]
async fn no_word_reaches_another_conversation() {
    let (stage, _) = room(&["mine"]).await;
    stage.say("alice", "other", "theirs").await;
    let token = causeway_proto::id::to_uuid("other").simple().to_string();
    for attempt in
        [token.clone(), format!("theirs\") OR conversation : \"{token}"), format!("{token} theirs")]
    {
        assert!(find(&stage, &attempt).await.is_empty(), "{attempt}");
    }
}

#[tokio::test]
async fn an_edit_is_found_by_its_new_words_only() {
    let (stage, sent) = room(&["apple", "pear"]).await;
    assert_eq!(find(&stage, "apple").await.len(), 1, "indexed");
    let edit = |message: &Message, content: &str| EditMessageRequest {
        message_id: message.id,
        conversation_id: "room".into(),
        user_id: "alice".into(),
        content: content.to_owned(),
    };
    stage.chat().edit_message(edit(&sent[0], "plum")).await.unwrap();
    assert!(find(&stage, "apple").await.is_empty());
    assert_eq!(find(&stage, "plum").await, ["plum"]);
    let fresh = stage.say("alice", "room", "grape").await;
    stage.chat().edit_message(edit(&fresh, "cherry")).await.unwrap();
    assert!(find(&stage, "grape").await.is_empty(), "edited before it was indexed");
    assert_eq!(find(&stage, "cherry").await, ["cherry"]);
}

#[tokio::test]
async fn what_is_deleted_is_not_found() {
    let (stage, sent) = room(&["secret one", "secret two"]).await;
    let delete = |message: &Message| DeleteMessageRequest {
        message_id: message.id,
        conversation_id: "room".into(),
        user_id: "alice".into(),
    };
    stage.chat().delete_message(delete(&sent[0])).await.unwrap();
    assert_eq!(find(&stage, "secret").await, ["secret two"]);
    stage.chat().delete_message(delete(&sent[1])).await.unwrap();
    assert!(find(&stage, "secret").await.is_empty());
}

#[tokio::test]
async fn more_messages_than_are_indexed_at_once_are_all_found() {
    let (stage, _) = room(&[]).await;
    let messages = (0..250).map(|number| crate::stage::text("alice", "room", &format!("word{number}")));
    let batch = causeway_proto::chat::SendMessagesRequest { messages: messages.collect() };
    stage.chat().send_messages(batch).await.unwrap();
    assert_eq!(find(&stage, "word249").await.len(), 1);
    assert_eq!(find(&stage, "word").await.len(), 50);
}

#[tokio::test]
async fn wrong_searches_are_refused() {
    let (stage, _) = room(&["x"]).await;
    assert_eq!(field(stage.chat().search_messages(query("")).await), "query");
    assert_eq!(field(stage.chat().search_messages(query(&"x".repeat(201))).await), "query");
    let outside = SearchMessagesRequest { user_id: "mallory".into(), ..query("x") };
    assert_eq!(code(stage.chat().search_messages(outside).await), Code::NotFound);
    let nowhere = SearchMessagesRequest { conversation_id: "nowhere".into(), ..query("x") };
    assert_eq!(code(stage.chat().search_messages(nowhere).await), Code::NotFound);
}
