//! A notice out of a row.

use causeway_plugin_sdk::proto::plugin::notice::To;

use crate::{
    error::TableError,
    inbound::{Found, version},
    settings::Target,
};

/// Largest JSON object that goes along with a notice, in bytes.
pub(super) const DATA: usize = 8 << 10;

/// What a row says, as text. What is null is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) updated_at: String,
    title: String,
    is_published: String,
    message: String,
    user_id: String,
    audience: String,
    college_id: String,
    notification_type: String,
    url: String,
    author: String,
    data: String,
}

impl Row {
    /// Reads a row in the order in which the layout asks for columns.
    pub(super) fn read(row: &tokio_postgres::Row) -> Result<Self, TableError> {
        let column = |index: usize| -> Result<String, TableError> {
            Ok(row.try_get::<_, Option<String>>(index)?.unwrap_or_default())
        };
        Ok(Self {
            id: column(0)?,
            updated_at: column(1)?,
            title: column(2)?,
            is_published: column(3)?,
            message: column(4)?,
            user_id: column(5)?,
            audience: column(6)?,
            college_id: column(7)?,
            notification_type: column(8)?,
            url: column(9)?,
            author: column(10)?,
            data: column(11)?,
        })
    }

    /// The notice. `default`: whom it is for when the row does not say.
    pub(super) fn into_found(self, default: Option<&To>) -> Found {
        let version = self.version();
        let to = self.target().map(|target| target.to_proto()).or_else(|| default.cloned());
        Found {
            id: self.id,
            title: self.title,
            message: self.message,
            url: self.url,
            author: self.author,
            notification_type: self.notification_type,
            data: object(self.data),
            to,
            is_published: is_true(&self.is_published),
            version,
        }
    }

    /// With the time of the change, so that a row which goes back to what it was is news.
    fn version(&self) -> String {
        let parts = [
            &self.updated_at,
            &self.title,
            &self.is_published,
            &self.message,
            &self.user_id,
            &self.audience,
            &self.college_id,
            &self.notification_type,
            &self.url,
            &self.author,
            &self.data,
        ];
        version(parts.map(|part| part.as_bytes()))
    }

    fn target(&self) -> Option<Target> {
        if !self.user_id.is_empty() {
            return Some(Target::User(self.user_id.clone()));
        }
        if !self.audience.is_empty() {
            return Some(Target::Audience(self.audience.clone()));
        }
        (!self.college_id.is_empty()).then(|| Target::College(self.college_id.clone()))
    }
}

/// What goes along when it can. A notice is not withheld for what goes along with it.
fn object(data: String) -> String {
    let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&data).is_ok();
    if is_object && data.len() <= DATA { data } else { String::new() }
}

/// A boolean as PostgreSQL prints it; a number where a database has no better.
fn is_true(text: &str) -> bool {
    matches!(text, "true" | "t" | "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: "42".to_owned(),
            updated_at: "2026-01-06 14:20:00+00".to_owned(),
            title: "Exams".to_owned(),
            is_published: "true".to_owned(),
            ..Row::default()
        }
    }

    #[test]
    fn a_row_says_whom_it_is_for_or_the_settings_do() {
        let default = To::Everybody(true);
        assert_eq!(row().into_found(None).to, None);
        assert_eq!(row().into_found(Some(&default)).to, Some(default.clone()));
        let college = Row { college_id: "5".to_owned(), ..row() };
        assert_eq!(college.clone().into_found(Some(&default)).to, Some(To::Audience("college:5".to_owned())));
        let user = Row { user_id: "7".to_owned(), ..college };
        assert_eq!(user.into_found(Some(&default)).to, Some(To::UserId("7".to_owned())));
    }

    #[test]
    fn data_goes_along_when_it_is_an_object_that_fits() {
        let data = |data: &str| Row { data: data.to_owned(), ..row() }.into_found(None).data;
        assert_eq!(data(r#"{"a": 1}"#), r#"{"a": 1}"#);
        for left_out in ["[]", "null", &format!(r#"{{"a": "{}"}}"#, "x".repeat(DATA))] {
            assert_eq!(data(left_out), "");
        }
    }

    #[test]
    fn every_change_is_another_version() {
        let later = Row { updated_at: "2026-01-06 14:20:01+00".to_owned(), ..row() };
        let unpublished = Row { is_published: "false".to_owned(), ..row() };
        assert_eq!(row().version(), row().version());
        assert_ne!(row().version(), later.version());
        assert_ne!(row().version(), unpublished.version());
        assert!(!unpublished.into_found(None).is_published);
    }
}
