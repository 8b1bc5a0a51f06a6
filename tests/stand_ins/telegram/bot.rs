//! What a test does with a bot: has customers act, and looks at what reached them.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    desk::{Desk, Known, Rate, SentMessage, Update, now},
    failure::Failure,
    people::{Content, Person, merge},
    updates,
};

/// A bot, seen from its customers' side.
#[derive(Clone)]
pub(crate) struct Bot(Arc<Desk>);

/// What a customer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) update_id: u64,
    pub(crate) message_id: i32,
}

/// In what order updates that were held back go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    AsWritten,
    Reversed,
    /// By this seed.
    Shuffled(u64),
}

/// What customers do.
impl Bot {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        Self(desk)
    }

    pub(crate) fn customer_writes(&self, person: &Person, text: &str) -> Written {
        self.customer_sends(person, &Content::text(text))
    }

    pub(crate) fn customer_sends(&self, person: &Person, content: &Content) -> Written {
        self.message(person, content, Value::Null)
    }

    pub(crate) fn customer_replies(&self, person: &Person, to: i32, text: &str) -> Written {
        let replied = json!({ "message_id": to, "date": now(), "chat": person.chat(), "text": "…" });
        self.message(person, &Content::text(text), json!({ "reply_to_message": replied }))
    }

    pub(crate) fn customer_edits(&self, person: &Person, message_id: i32, text: &str) -> Written {
        let mut message = frame(person, message_id);
        merge(&mut message, json!({ "edit_date": now(), "text": text }));
        Written { update_id: self.raises("edited_message", message), message_id }
    }

    /// Emoji before and now; `custom:<id>` is one of somebody's own making.
    pub(crate) fn customer_reacts(
        &self,
        person: &Person,
        message_id: i32,
        before: &[&str],
        after: &[&str],
    ) -> u64 {
        let reactions = |names: &[&str]| names.iter().map(|name| reaction(name)).collect::<Vec<_>>();
        self.raises(
            "message_reaction",
            json!({ "chat": person.chat(), "message_id": message_id, "user": person.user(), "date": now(),
                    "old_reaction": reactions(before), "new_reaction": reactions(after) }),
        )
    }

    /// Stops the bot, which hears of it.
    pub(crate) fn customer_blocks(&self, person: &Person) -> u64 {
        self.block(person.id);
        self.membership(person, "member", json!({ "status": "kicked", "until_date": 0 }))
    }

    /// Takes that back.
    pub(crate) fn customer_unblocks(&self, person: &Person) -> u64 {
        self.0.state().blocked.remove(&person.id);
        self.membership(person, "kicked", json!({ "status": "member" }))
    }

    /// Somebody writes in a group that the bot is in.
    pub(crate) fn group_message(&self, group: i64, person: &Person, text: &str) -> Written {
        let message_id = self.0.state().message_id();
        let chat = json!({ "id": group, "type": "supergroup", "title": "A group" });
        let message = json!({ "message_id": message_id, "from": person.user(), "chat": chat, "date": now(), "text": text });
        Written { update_id: self.raises("message", message), message_id }
    }

    /// An update of any kind. The bot gets it when it wants this kind, or when Telegram itself knows it not yet; its number.
    pub(crate) fn raises(&self, kind: &str, content: Value) -> u64 {
        let mut state = self.0.state();
        let id = state.next_update;
        state.next_update += 1;
        if is_known(kind) && !state.wants(kind) {
            return id;
        }
        let chat = content["chat"]["id"].as_i64().unwrap_or(0);
        let json = json!({ "update_id": id, kind: content }).to_string();
        updates::give(&self.0, &mut state, Update { id, chat, json: json.into() });
        id
    }

    /// An update as it is written here, whatever it is.
    pub(crate) fn raises_raw(&self, json: &str) {
        let id = serde_json::from_str::<Value>(json).ok().and_then(|update| update["update_id"].as_u64());
        let mut state = self.0.state();
        let id = id.unwrap_or(state.next_update);
        state.next_update = state.next_update.max(id + 1);
        updates::give(&self.0, &mut state, Update { id, chat: 0, json: json.into() });
    }

    /// The last update goes out again, with the same number.
    pub(crate) fn repeat_last(&self) {
        let mut state = self.0.state();
        if let Some(update) = state.last.clone() {
            updates::give(&self.0, &mut state, update);
        }
    }

    /// Updates are held back from now on.
    pub(crate) fn hold(&self) {
        self.0.state().held.get_or_insert_default();
    }

    /// And go out.
    pub(crate) fn release(&self, order: Order) {
        let mut state = self.0.state();
        let mut held = state.held.take().unwrap_or_default();
        match order {
            Order::AsWritten => {}
            Order::Reversed => held.reverse(),
            Order::Shuffled(seed) => shuffle(&mut held, seed),
        }
        for update in held {
            updates::give(&self.0, &mut state, update);
        }
    }

    /// Has the bot know somebody who has not written yet.
    pub(crate) fn knows(&self, person: &Person) {
        self.0.state().chats.insert(person.id, person.clone());
    }

    fn message(&self, person: &Person, content: &Content, more: Value) -> Written {
        let message_id = {
            let mut state = self.0.state();
            state.chats.entry(person.id).or_insert_with(|| person.clone());
            let message_id = state.message_id();
            let text = match content {
                Content::Text(text) => Some(text.clone()),
                _ => None,
            };
            state.messages.insert((person.id, message_id), Known { text, sent: None, is_ours: false });
            message_id
        };
        let file_id = content.brought().map(|file| self.0.state().keep(file)).unwrap_or_default();
        let mut message = frame(person, message_id);
        merge(&mut message, content.fields(&file_id));
        merge(&mut message, more);
        Written { update_id: self.raises("message", message), message_id }
    }

    fn membership(&self, person: &Person, before: &str, mut after: Value) -> u64 {
        let user = self.0.user();
        after["user"] = user.clone();
        let mut old = json!({ "status": before, "user": user });
        if before == "kicked" {
            old["until_date"] = json!(0);
        }
        let update = json!({ "chat": person.chat(), "from": person.user(), "date": now(), "old_chat_member": old,
                             "new_chat_member": after });
        self.raises("my_chat_member", update)
    }
}

/// What Telegram does.
impl Bot {
    /// Nothing reaches this user any more.
    pub(crate) fn block(&self, user: i64) {
        self.0.state().blocked.insert(user);
    }

    /// The user's account is gone.
    pub(crate) fn deactivate(&self, user: i64) {
        self.0.state().deactivated.insert(user);
    }

    /// The next calls fail, whatever they are for, but for those for updates.
    pub(crate) fn fail_next(&self, count: u64, failure: Failure) {
        self.0.state().failures.plan(false, count, failure);
    }

    /// The next questions for updates fail.
    pub(crate) fn fail_next_polls(&self, count: u64, failure: Failure) {
        self.0.state().failures.plan(true, count, failure);
        self.0.news.notify_waiters();
    }

    /// What is faster is answered with 429.
    pub(crate) fn limit_rate(&self, per_second: usize) {
        self.0.state().rate = Some(Rate { per_second, last: VecDeque::new(), refused: 0 });
    }

    /// How often it was answered with 429.
    pub(crate) fn too_fast(&self) -> u64 {
        self.0.state().rate.as_ref().map_or(0, |rate| rate.refused)
    }

    /// Whether what is sent is kept. When not, it is counted, and cannot be edited or deleted.
    pub(crate) fn record(&self, is_recording: bool) {
        self.0.state().is_recording = is_recording;
    }
}

/// What can be seen.
impl Bot {
    /// What was sent, in order, as it is now.
    pub(crate) fn sent(&self) -> Vec<SentMessage> {
        self.0.state().sent.clone()
    }

    /// How much was sent.
    pub(crate) fn sent_count(&self) -> u64 {
        self.0.state().sent_count
    }

    /// What was sent, once that is at least so much. Panics when it takes longer.
    pub(crate) async fn has_sent(&self, count: u64, within: Duration) -> Vec<SentMessage> {
        let deadline = Instant::now() + within;
        while self.sent_count() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} messages were sent", self.sent_count());
            let _ = tokio::time::timeout(left.min(Duration::from_millis(50)), self.0.sent.notified()).await;
        }
        self.sent()
    }

    /// Chats and actions, for example "typing".
    pub(crate) fn actions(&self) -> Vec<(i64, String)> {
        self.0.state().actions.clone()
    }

    /// How often a method was called, by its name in lower case.
    pub(crate) fn calls(&self, method: &str) -> u64 {
        self.0.state().calls.get(&method.to_ascii_lowercase()).copied().unwrap_or(0)
    }

    /// Where updates are brought.
    pub(crate) fn webhook(&self) -> Option<String> {
        self.0.state().webhook.as_ref().map(|webhook| webhook.url.clone())
    }

    /// Updates that are not confirmed.
    pub(crate) fn pending(&self) -> usize {
        let state = self.0.state();
        state.pending.len() + state.lanes.values().map(VecDeque::len).sum::<usize>()
    }
}

fn frame(person: &Person, message_id: i32) -> Value {
    json!({ "message_id": message_id, "from": person.user(), "chat": person.chat(), "date": now() })
}

fn reaction(name: &str) -> Value {
    match name.strip_prefix("custom:") {
        Some(id) => json!({ "type": "custom_emoji", "custom_emoji_id": id }),
        None => json!({ "type": "emoji", "emoji": name }),
    }
}

/// Kinds that a bot may name in `allowed_updates`, as far as this stand-in raises them.
fn is_known(kind: &str) -> bool {
    matches!(kind, "message" | "edited_message" | "message_reaction" | "my_chat_member")
}

/// Fisher and Yates, with a generator of George Marsaglia's.
fn shuffle<T>(all: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for last in (1..all.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        all.swap(last, usize::try_from(state % (last as u64 + 1)).unwrap());
    }
}
