//! JSON that goes through as it came: metadata of messages and data of notifications.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

/// A JSON object that was kept as text.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) struct Object<'a>(Option<&'a RawValue>);

impl<'a> Object<'a> {
    /// What a text holds; an empty object when it holds none.
    pub(in crate::dialect) fn of(text: &'a str) -> Self {
        let raw = if text.is_empty() { None } else { serde_json::from_str::<&RawValue>(text).ok() };
        Self(raw.filter(|raw| raw.get().starts_with('{')))
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(raw) => raw.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::shape::text;

    #[test]
    fn an_object_goes_through_as_it_came() {
        assert_eq!(text(&Object::of(r#"{"b":1.50,"a":[]}"#)), r#"{"b":1.50,"a":[]}"#);
    }

    #[test]
    fn whatever_is_no_object_is_an_empty_one() {
        for other in ["", "null", "[1]", "\"{\"", "{", "{} {}"] {
            assert_eq!(text(&Object::of(other)), "{}", "{other}");
        }
    }
}
