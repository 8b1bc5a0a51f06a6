//! What an error frame says.

use std::borrow::Cow;

use serde::Serialize;

use crate::fault::Fault;

/// The code of a fault and what people are told.
#[derive(Serialize)]
pub(in crate::dialect) struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl<'a> ErrorBody<'a> {
    /// With the field at fault, for a dialect that has a place for it.
    pub(in crate::dialect) fn with_field(fault: &'a Fault) -> Self {
        Self { field: fault.field.as_deref(), ..Self::of(fault) }
    }

    /// Without: the message names it.
    pub(in crate::dialect) fn of(fault: &'a Fault) -> Self {
        let Fault { code, message, field: _, retry_after_ms } = fault;
        Self { code: code.as_str(), message, field: None, retry_after_ms: *retry_after_ms }
    }
}

/// A fault whose field is spelled as the dialect spells it; `words` pairs the services' name of a field with
/// the dialect's. An item of a list is named by its place, as in `attachments[0].url`, and takes the name of
/// the list.
pub(in crate::dialect) fn spell<'a>(fault: &'a Fault, words: &[(&str, &str)]) -> Cow<'a, Fault> {
    let Some(field) = fault.field.as_deref() else { return Cow::Borrowed(fault) };
    let whole = field.split(['[', '.']).next().unwrap_or(field);
    let Some((_, word)) = words.iter().find(|(name, _)| *name == whole) else { return Cow::Borrowed(fault) };
    let message = match fault.message.strip_prefix(field) {
        Some(problem) => format!("{word}{problem}"),
        None => fault.message.clone(),
    };
    Cow::Owned(Fault { message, field: Some((*word).to_owned()), ..fault.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_gets_the_dialects_name() {
        let words = [("content", "message"), ("attachments", "media_url")];
        let spelled = spell(&Fault::field("content", "is too long"), &words).into_owned();
        assert_eq!(spelled, Fault::field("message", "is too long"));
        let spelled = spell(&Fault::field("attachments[0].url", "must be https"), &words).into_owned();
        assert_eq!(spelled, Fault::field("media_url", "must be https"));
        let other = Fault::field("limit", "is required");
        assert_eq!(spell(&other, &words).into_owned(), other);
    }
}
