//! What a frame must look like: JSON in which some strings stand for any value of a shape.

use serde_json::Value;

/// Any value at all.
pub(crate) const ANY: &str = "<anything>";
/// A string that is not empty.
pub(crate) const STRING: &str = "<string>";
/// A string of digits.
pub(crate) const DIGITS: &str = "<digits>";
/// A positive integer.
pub(crate) const INTEGER: &str = "<integer>";
/// A UUID in lower case with hyphens.
pub(crate) const UUID: &str = "<uuid>";
/// RFC 3339, UTC, microseconds, ending in `Z`.
pub(crate) const TIME: &str = "<time in Z>";
/// RFC 3339, UTC, microseconds, ending in `+00:00`.
pub(crate) const TIME_OFFSET: &str = "<time with an offset>";

/// Where `actual` is not what `pattern` asks for; `None` when it is. Objects must have exactly the keys of the pattern.
pub(crate) fn difference(pattern: &Value, actual: &Value) -> Option<String> {
    match (pattern, actual) {
        (Value::Object(wanted), Value::Object(found)) => {
            if let Some(key) = wanted.keys().find(|key| !found.contains_key(*key)) {
                return Some(format!("{key} is missing"));
            }
            if let Some(key) = found.keys().find(|key| !wanted.contains_key(*key)) {
                return Some(format!("{key} should not be there"));
            }
            wanted.iter().find_map(|(key, value)| inside(key, difference(value, &found[key])))
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(at, (wanted, found))| inside(&at.to_string(), difference(wanted, found))),
        (Value::String(shape), found) if shape.starts_with('<') && shape.ends_with('>') => {
            (!has_shape(shape, found)).then(|| format!("should be {shape} and is {found}"))
        }
        (wanted, found) => (wanted != found).then(|| format!("should be {wanted} and is {found}")),
    }
}

fn inside(key: &str, difference: Option<String>) -> Option<String> {
    difference.map(|difference| format!("{key}: {difference}"))
}

fn has_shape(shape: &str, found: &Value) -> bool {
    let text = found.as_str();
    match shape {
        ANY => true,
        STRING => text.is_some_and(|text| !text.is_empty()),
        DIGITS => text.is_some_and(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())),
        INTEGER => found.as_u64().is_some_and(|number| number > 0),
        UUID => text.is_some_and(|text| like(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")),
        TIME => text.is_some_and(|text| like(text, "dddd-dd-ddTdd:dd:dd.ddddddZ")),
        TIME_OFFSET => text.is_some_and(|text| like(text, "dddd-dd-ddTdd:dd:dd.dddddd+00:00")),
        _ => text == Some(shape),
    }
}

/// Whether each character is as the form says: `d` a digit, `x` a hexadecimal digit, any other itself.
fn like(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(found, wanted)| match wanted {
            b'd' => found.is_ascii_digit(),
            b'x' => found.is_ascii_digit() || (b'a'..=b'f').contains(&found),
            other => found == other,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_frame_with_the_right_keys_and_shapes_fits() {
        let pattern = json!({"id": DIGITS, "at": TIME, "list": [1, ANY], "none": null});
        let frame = json!({"id": "7", "at": "2026-01-06T10:30:45.123456Z", "list": [1, {}], "none": null});
        assert_eq!(difference(&pattern, &frame), None);
    }

    #[test]
    fn a_key_too_many_and_a_key_too_few_are_told() {
        assert_eq!(difference(&json!({"a": 1}), &json!({})).unwrap(), "a is missing");
        assert_eq!(difference(&json!({}), &json!({"a": 1})).unwrap(), "a should not be there");
    }

    #[test]
    fn the_place_of_a_difference_is_told() {
        let difference = difference(&json!({"a": [{"b": INTEGER}]}), &json!({"a": [{"b": "7"}]})).unwrap();
        assert_eq!(difference, r#"a: 0: b: should be <integer> and is "7""#);
    }

    #[test]
    fn a_time_without_microseconds_does_not_fit() {
        assert!(difference(&json!(TIME), &json!("2026-01-06T10:30:45Z")).is_some());
        assert!(difference(&json!(TIME), &json!("2026-01-06T10:30:45.123456+00:00")).is_some());
    }
}
