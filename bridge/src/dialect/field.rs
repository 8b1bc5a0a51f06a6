//! Reads typed fields out of a frame. Every dialect reads its frames through [`Object`], so that a field
//! which is missing, mistyped or out of its limits is told in one way, and ids are taken in one way.
//!
//! A frame is split into raw values once, and only the fields that a command has are read any further.

mod file;
mod id;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    command::{Command, Page, Token},
    fault::{Code, Fault},
};

/// Most characters in a message.
const MAX_CONTENT: usize = 16_384;
/// Most bytes in a message's metadata.
const MAX_METADATA: usize = 8 * 1_024;
/// Most characters in a reaction.
const MAX_REACTION: usize = 32;
/// Most characters in an idempotency key.
const MAX_CLIENT_MESSAGE_ID: usize = 64;
/// What `limit` is at most; more means this.
const MAX_LIMIT: u32 = 100;

/// What a message can be, by its `message_type`.
const MESSAGE_TYPES: [(&str, &str); 5] =
    [("text", "text"), ("image", "image"), ("video", "video"), ("audio", "audio"), ("file", "file")];
/// What is done with a reaction: whether it is added.
const ACTIONS: [(&str, bool); 2] = [("add", true), ("remove", false)];

/// A JSON object whose values are not read yet. A field that is `null` counts as missing; of two with the
/// same name the last counts, as in JavaScript.
pub(super) struct Object<'a> {
    fields: Vec<(Name<'a>, &'a RawValue)>,
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Object<'a> {
    /// Splits a frame; `invalid_json` when it is not a JSON object.
    pub(super) fn read(text: &'a str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|_| Fault::new(Code::InvalidJson, "the frame must be a JSON object"))
    }

    /// The frame's `type`; `unknown_type` when it has none.
    pub(super) fn kind(&self) -> Result<String, Fault> {
        match self.string("type") {
            Ok(Some(kind)) => Ok(kind),
            Ok(None) => Err(type_fault("is required")),
            Err(_) => Err(type_fault("must be a string")),
        }
    }

    /// The raw text of a field.
    fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.fields.iter().rev().find(|(field, _)| field.0 == name)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    /// An object inside.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        Self::read(text).map(Some).map_err(|_| Fault::field(name, "must be an object"))
    }

    /// A string of any length.
    pub(super) fn string(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| Fault::field(name, "must be a string"))
    }

    /// A string of 1 to `max` characters.
    pub(super) fn text(&self, name: &str, max: usize) -> Result<String, Fault> {
        self.optional_text(name, max)?.ok_or_else(|| required(name))
    }

    /// A string of 1 to `max` characters, or none.
    fn optional_text(&self, name: &str, max: usize) -> Result<Option<String>, Fault> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        if text.is_empty() || longer(&text, max) {
            return Err(Fault::field(name, &format!("must have 1 to {max} characters")));
        }
        Ok(Some(text))
    }

    /// True or false; must be there.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, Fault> {
        self.optional_boolean(name)?.ok_or_else(|| required(name))
    }

    /// True or false, or none.
    pub(super) fn optional_boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Fault::field(name, "must be true or false")),
        }
    }

    /// What one of a few words stands for, or none.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(word) = self.string(name)? else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| *choice == word);
        chosen.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
            Fault::field(name, &format!("must be one of: {}", words.join(", ")))
        })
    }

    /// The text of a message: something, unless it comes with a file.
    pub(super) fn content(&self, name: &str, with_file: bool) -> Result<String, Fault> {
        match self.string(name)? {
            Some(text) if longer(&text, MAX_CONTENT) => {
                Err(Fault::field(name, &format!("must have at most {MAX_CONTENT} characters")))
            }
            Some(text) if with_file || !text.is_empty() => Ok(text),
            None if with_file => Ok(String::new()),
            Some(_) => Err(Fault::field(name, "must not be empty")),
            None => Err(required(name)),
        }
    }

    /// `message_type`; "text" when there is none.
    pub(super) fn message_type(&self) -> Result<String, Fault> {
        Ok(self.choice("message_type", &MESSAGE_TYPES)?.unwrap_or("text").to_owned())
    }

    /// `metadata`: the text of a JSON object; empty when there is none.
    pub(super) fn metadata(&self) -> Result<String, Fault> {
        let Some(text) = self.get("metadata") else { return Ok(String::new()) };
        if text.len() > MAX_METADATA {
            return Err(Fault::field("metadata", &format!("must have at most {MAX_METADATA} bytes")));
        }
        // Whoever gets it will read it whole, so it is read whole here: raw values are split off without a
        // look at how deep they go.
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(map) if map.is_empty() => Ok(String::new()),
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(Fault::field("metadata", "must be an object")),
        }
    }

    /// `client_message_id`; empty when there is none.
    pub(super) fn client_message_id(&self) -> Result<String, Fault> {
        Ok(self.optional_text("client_message_id", MAX_CLIENT_MESSAGE_ID)?.unwrap_or_default())
    }

    /// `reaction`.
    pub(super) fn reaction(&self) -> Result<String, Fault> {
        self.text("reaction", MAX_REACTION)
    }

    /// A reaction to a message that says in `action` what is done with it.
    pub(super) fn react(&self) -> Result<Command, Fault> {
        Ok(Command::React {
            message_id: self.message_id("message_id")?,
            reaction: self.reaction()?,
            add: self.choice("action", &ACTIONS)?.ok_or_else(|| required("action"))?,
        })
    }

    /// `before` and `limit`.
    pub(super) fn page(&self) -> Result<Page, Fault> {
        Ok(Page { before: self.optional_message_id("before")?, limit: self.limit()? })
    }

    /// `limit`; 0 when there is none.
    pub(super) fn limit(&self) -> Result<u32, Fault> {
        let Some(text) = self.get("limit") else { return Ok(0) };
        let limit = match serde_json::from_str::<f64>(text) {
            Ok(limit) if limit >= f64::from(MAX_LIMIT) => Some(MAX_LIMIT),
            Ok(_) => text.parse().ok().filter(|limit| *limit > 0),
            Err(_) => None,
        };
        limit.ok_or_else(|| Fault::field("limit", "must be a positive integer"))
    }

    /// The new token of a `refresh_token`.
    pub(super) fn refresh(&self) -> Result<Command, Fault> {
        Ok(Command::Refresh { token: Token(self.text("token", usize::MAX)?) })
    }
}

/// A field that must be there and is not.
pub(super) fn required(name: &str) -> Fault {
    Fault::field(name, "is required")
}

/// A type that this socket does not take.
pub(super) fn unknown_type() -> Fault {
    type_fault("is not one that this socket takes")
}

fn type_fault(problem: &str) -> Fault {
    Fault { code: Code::UnknownType, ..Fault::field("type", problem) }
}

/// Whether a text has more than `max` characters.
fn longer(text: &str, max: usize) -> bool {
    text.len() > max && text.chars().nth(max).is_some()
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Object { fields })
    }
}
