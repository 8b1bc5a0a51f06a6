//! Parameters of a method, however they come: in the query, as a form, as JSON.

use serde_json::{Map, Value};

/// By name. In queries and forms all are strings, and what is more than that is JSON in a string.
#[derive(Debug, Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    /// Reads a query and a body; `None` when the body is of neither type.
    pub(crate) fn read(query: Option<&str>, content_type: &str, body: &[u8]) -> Option<Self> {
        let mut params = Self::default();
        params.add_form(query.unwrap_or_default());
        if body.is_empty() {
            return Some(params);
        }
        if content_type.starts_with("application/json") {
            params.0.extend(serde_json::from_slice::<Map<String, Value>>(body).ok()?);
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            params.add_form(std::str::from_utf8(body).ok()?);
        } else {
            return None;
        }
        Some(params)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A value that is more than a string.
    pub(crate) fn json(&self, name: &str) -> Option<Value> {
        match self.0.get(name)? {
            Value::String(text) => serde_json::from_str(text).ok(),
            value => Some(value.clone()),
        }
    }

    /// The message that is answered, and whether it is sent all the same when that is gone.
    pub(crate) fn reply(&self) -> Option<(i32, bool)> {
        let (id, anyway) = match self.json("reply_parameters") {
            Some(reply) => (reply["message_id"].as_i64()?, reply["allow_sending_without_reply"] == true),
            None => (self.number("reply_to_message_id")?, self.text("allow_sending_without_reply").is_some()),
        };
        Some((id.try_into().ok()?, anyway))
    }

    fn add_form(&mut self, form: &str) {
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.0.insert(decoded(name), Value::String(decoded(value)));
        }
    }
}

/// Undoes `application/x-www-form-urlencoded`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        let escaped = others.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, left) = match (first, escaped) {
            (b'%', Some(byte)) => (byte, &others[2..]),
            (b'+', _) => (b' ', others),
            (byte, _) => (*byte, others),
        };
        bytes.push(byte);
        rest = left;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
