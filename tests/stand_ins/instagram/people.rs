//! What customers do, and whoever answers them by other means.
//!
//! Each is told to whoever subscribed, in its turn. Accounts and customers are named by their ids.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Instagram, world};

impl Instagram {
    /// A customer writes; the id of the message.
    pub(crate) fn customer_writes(&self, account: &str, customer: &str, text: &str) -> String {
        self.customer_wrote(account, customer, text, Duration::ZERO)
    }

    /// A customer wrote that long ago, and it is told only now.
    pub(crate) fn customer_wrote(&self, account: &str, customer: &str, text: &str, ago: Duration) -> String {
        self.message(account, customer, ago, json!({"text": text}))
    }

    /// A customer sends attachments, as in `message.attachments`: `[{"type": "image", "payload": {"url": …}}]`.
    pub(crate) fn customer_sends(&self, account: &str, customer: &str, attachments: &Value) -> String {
        self.message(account, customer, Duration::ZERO, json!({"attachments": attachments}))
    }

    /// A customer answers a message.
    pub(crate) fn customer_replies(&self, account: &str, customer: &str, to: &str, text: &str) -> String {
        self.message(account, customer, Duration::ZERO, json!({"text": text, "reply_to": {"mid": to}}))
    }

    /// A customer answers a story of the account.
    pub(crate) fn story_reply(&self, account: &str, customer: &str, story: &Value, text: &str) -> String {
        self.message(account, customer, Duration::ZERO, json!({"text": text, "reply_to": {"story": story}}))
    }

    /// A customer sends what Instagram does not pass on.
    pub(crate) fn customer_sends_unsupported(&self, account: &str, customer: &str) -> String {
        self.message(account, customer, Duration::ZERO, json!({"is_unsupported": true}))
    }

    /// A customer presses a button.
    pub(crate) fn customer_presses(
        &self,
        account: &str,
        customer: &str,
        title: &str,
        payload: &str,
    ) -> String {
        let mid = self.world.lock().writes(account, customer, SystemTime::now());
        self.happens(account, customer, "postback", json!({"mid": mid, "title": title, "payload": payload}));
        mid
    }

    /// A customer gives a reaction, for example "love" and "❤".
    pub(crate) fn customer_reacts(&self, account: &str, customer: &str, mid: &str, name: &str, emoji: &str) {
        let reaction = json!({"mid": mid, "action": "react", "reaction": name, "emoji": emoji});
        self.happens(account, customer, "reaction", reaction);
    }

    /// A customer takes a reaction back: Instagram does not say which.
    pub(crate) fn customer_unreacts(&self, account: &str, customer: &str, mid: &str) {
        self.happens(account, customer, "reaction", json!({"mid": mid, "action": "unreact"}));
    }

    /// A customer unsends a message.
    pub(crate) fn unsends(&self, account: &str, customer: &str, mid: &str) {
        self.happens(account, customer, "message", json!({"mid": mid, "is_deleted": true}));
    }

    /// A customer edits a message for the `number`th time.
    pub(crate) fn edits(&self, account: &str, customer: &str, mid: &str, text: &str, number: u32) {
        self.happens(
            account,
            customer,
            "message_edit",
            json!({"mid": mid, "text": text, "num_edit": number}),
        );
    }

    /// A customer reads up to a message.
    pub(crate) fn reads(&self, account: &str, customer: &str, mid: &str) {
        self.happens(account, customer, "read", json!({"mid": mid}));
    }

    /// Messages reach a customer's device. Messenger tells so; Instagram's documentation knows no such event.
    pub(crate) fn delivers(&self, account: &str, customer: &str, mids: &[String]) {
        let watermark = world::millis(SystemTime::now());
        self.happens(account, customer, "delivery", json!({"mids": mids, "watermark": watermark}));
    }

    /// Somebody writes to a customer by other means: another app of that id, or Instagram's own with `None`.
    pub(crate) fn sends_elsewhere(
        &self,
        account: &str,
        customer: &str,
        text: &str,
        app: Option<u64>,
    ) -> String {
        let mid = self.world.lock().new_mid(account);
        let message = json!({"mid": mid, "text": text});
        self.webhooks.tell(account, customer, world::echo(account, customer, message, app));
        mid
    }

    /// Something happens between a customer and an account, now.
    pub(crate) fn happens(&self, account: &str, customer: &str, what: &str, value: Value) {
        let now = world::millis(SystemTime::now());
        let item =
            json!({"sender": {"id": customer}, "recipient": {"id": account}, "timestamp": now, what: value});
        self.webhooks.tell(account, customer, item);
    }

    fn message(&self, account: &str, customer: &str, ago: Duration, mut message: Value) -> String {
        let at = SystemTime::now() - ago;
        let mid = self.world.lock().writes(account, customer, at);
        message["mid"] = mid.clone().into();
        let (sender, recipient) = (json!({"id": customer}), json!({"id": account}));
        let item = json!({
            "sender": sender, "recipient": recipient, "timestamp": world::millis(at), "message": message,
        });
        self.webhooks.tell(account, customer, item);
        mid
    }
}
