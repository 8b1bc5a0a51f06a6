//! Texts with fields in braces, which say how a notice reads.

use std::borrow::Cow;

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

/// What a template can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Title,
    Message,
    Url,
    Author,
    Source,
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error(
        "names {{{0}}}, and there are {{id}}, {{title}}, {{message}}, {{url}}, {{author}} and {{source}}"
    )]
    Unknown(String),
    #[error("has a brace without its other; a brace that is meant to be one is written twice")]
    Brace,
}

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = match brace {
                "{" => rest.split_once('}').ok_or(TemplateError::Brace)?,
                _ => return Err(TemplateError::Brace),
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Field(Field::named(name)?));
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// The text, with what `value` says in place of the fields.
    pub(crate) fn fill<'a>(&self, value: impl Fn(Field) -> Cow<'a, str>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Field(field) => text.push_str(&value(*field)),
            }
        }
        text
    }
}

impl Field {
    fn named(name: &str) -> Result<Self, TemplateError> {
        match name {
            "id" => Ok(Self::Id),
            "title" => Ok(Self::Title),
            "message" => Ok(Self::Message),
            "url" => Ok(Self::Url),
            "author" => Ok(Self::Author),
            "source" => Ok(Self::Source),
            _ => Err(TemplateError::Unknown(name.chars().take(32).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, TemplateError> {
        let template = Template::parse(text)?;
        Ok(template.fill(|field| match field {
            Field::Title => "{exams}".into(),
            Field::Id => "42".into(),
            Field::Message | Field::Url | Field::Author | Field::Source => "".into(),
        }))
    }

    #[test]
    fn fields_are_filled_and_what_fills_them_is_left_alone() {
        assert_eq!(filled("New Notice").unwrap(), "New Notice");
        assert_eq!(filled("{title} ({id}){url}").unwrap(), "{exams} (42)");
        assert_eq!(filled("{{id}} {{{id}}} é{title}é").unwrap(), "{id} {42} é{exams}é");
        assert_eq!(filled("").unwrap(), "");
    }

    #[test]
    fn what_is_not_a_field_is_named() {
        assert_eq!(filled("{titel}").unwrap_err(), TemplateError::Unknown("titel".into()));
        assert_eq!(filled("{}").unwrap_err(), TemplateError::Unknown(String::new()));
        for text in ["{title", "title}", "{", "}"] {
            assert_eq!(filled(text).unwrap_err(), TemplateError::Brace, "{text}");
        }
    }
}
