//! How a table is read: which of its columns there are, and the queries made of them.
//!
//! Names come from the settings and stand in quotes; types come from the server, which prints them as it reads them; all else
//! is a parameter. Every value is read as text, so that a notice looks the same whatever its columns' types are.

use tokio_postgres::error::SqlState;

use super::{
    link::Link,
    row::{DATA, Row},
};
use crate::{
    error::TableError,
    settings::{Columns, Table},
};

/// Most characters that are read of a value: one more than the longest that a notice may have.
const MOST: usize = DATA + 1;

/// The queries.
pub(super) struct Layout {
    row: String,
    first: String,
    next: String,
    start: String,
    again: String,
}

/// What there is of an id.
pub(super) enum Lookup {
    Row(Box<Row>),
    Nothing,
    /// It cannot be the id of a row.
    NoId,
}

/// A column that the table has.
struct Column {
    name: String,
    kind: String,
}

impl Layout {
    /// Asks the server how the table looks. Fails when it is not as the settings say.
    pub(super) async fn read(link: &Link, settings: &Table) -> Result<Self, TableError> {
        let table: Vec<_> = settings.table.split('.').map(quoted).collect();
        let table = table.join(".");
        let sql = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                   WHERE attrelid = to_regclass($1)::oid AND attnum > 0 AND NOT attisdropped";
        let sql = sql.replace("$1", "$1::text");
        let mut known = Vec::new();
        for row in link.query(&sql, &[&table]).await? {
            known.push(Column { name: row.try_get(0)?, kind: row.try_get(1)? });
        }
        if known.is_empty() {
            return Err(TableError::NoTable(settings.table.clone()));
        }
        let Columns { user_id, audience, college_id, .. } = &settings.columns;
        let is_known = |name: &&String| known.iter().any(|column| column.name == **name);
        if settings.to.is_none() && ![user_id, audience, college_id].iter().any(is_known) {
            return Err(TableError::NoTarget);
        }
        Self::of(&table, &settings.columns, &known)
    }

    fn of(table: &str, columns: &Columns, known: &[Column]) -> Result<Self, TableError> {
        let find = |name: &str| known.iter().find(|column| column.name == name);
        let must = |name: &str| find(name).ok_or_else(|| TableError::NoColumn(name.to_owned()));
        let (id, time) = (must(&columns.id)?, must(&columns.updated_at)?);
        let required = [&columns.title, &columns.is_published].map(|name| must(name));
        let (id_name, time_name) = (own(id), own(time));
        let mut read = vec![format!("{id_name}::text"), format!("{time_name}::text")];
        for column in required {
            read.push(text(Some(column?)));
        }
        read.extend(columns.optional().map(|(_, name)| text(find(name))));
        let select = format!("SELECT {} FROM {table} AS notice", read.join(", "));
        let (id, time) = (&id.kind, &time.kind);
        let in_order = format!("ORDER BY {time_name}, {id_name} LIMIT");
        Ok(Self {
            row: format!("{select} WHERE {id_name} = $1::text::{id}"),
            first: format!("{select} WHERE {time_name} >= $1::text::{time} {in_order} $2::bigint"),
            next: format!(
                "{select} WHERE ({time_name}, {id_name}) > ($1::text::{time}, $2::text::{id}) {in_order} $3::bigint"
            ),
            start: format!("SELECT (now() - make_interval(secs => $1::float8))::{time}::text"),
            // A row whose time has not come yet must not hide those before it.
            again: format!(
                "SELECT (least($1::text::{time}, now()::{time}) - make_interval(secs => $2::float8))::{time}::text"
            ),
        })
    }

    /// The row of an id.
    pub(super) async fn row(&self, link: &Link, id: &str) -> Result<Lookup, TableError> {
        let rows = match link.query(&self.row, &[&id]).await {
            Err(TableError::Postgres(error)) if error.code().is_some_and(is_about_data) => {
                return Ok(Lookup::NoId);
            }
            rows => rows?,
        };
        match rows.first() {
            Some(row) => Ok(Lookup::Row(Box::new(Row::read(row)?))),
            None => Ok(Lookup::Nothing),
        }
    }

    /// The first rows to catch up with, in the order of their times: from before the newest that was seen, or from as far back
    /// as the settings say.
    pub(super) async fn first_page(
        &self,
        link: &Link,
        newest: Option<&str>,
        settings: &Table,
    ) -> Result<Vec<Row>, TableError> {
        let from = match newest {
            Some(newest) => link.query(&self.again, &[&newest, &settings.overlap.as_secs_f64()]).await?,
            None => link.query(&self.start, &[&settings.catch_up.as_secs_f64()]).await?,
        };
        let from: Option<String> = from.first().and_then(|row| row.try_get(0).ok());
        rows(link.query(&self.first, &[&from, &i64::from(settings.page)]).await?)
    }

    /// The rows after that time and id.
    pub(super) async fn next_page(
        &self,
        link: &Link,
        time: &str,
        id: &str,
        page: u32,
    ) -> Result<Vec<Row>, TableError> {
        rows(link.query(&self.next, &[&time, &id, &i64::from(page)]).await?)
    }
}

/// An identifier as it stands in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column, not to be mistaken for what is read of it: sorted are ids, and not the texts of ids.
fn own(column: &Column) -> String {
    format!("notice.{}", quoted(&column.name))
}

/// A column as text, as much of it as can matter; null where the table has none.
fn text(column: Option<&Column>) -> String {
    match column {
        Some(column) => format!("left({}::text, {MOST})", own(column)),
        None => "NULL::text".to_owned(),
    }
}

/// Class 22: what was given is not of the type that it should be of.
fn is_about_data(code: &SqlState) -> bool {
    code.code().starts_with("22")
}

fn rows(found: Vec<tokio_postgres::Row>) -> Result<Vec<Row>, TableError> {
    found.iter().map(Row::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: &str) -> Column {
        Column { name: name.to_owned(), kind: kind.to_owned() }
    }

    fn known() -> Vec<Column> {
        vec![
            column("id", "bigint"),
            column("title", "text"),
            column("is_published", "boolean"),
            column("updated_at", "timestamp with time zone"),
        ]
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }

    #[test]
    fn columns_that_the_table_has_not_are_null() {
        let layout = Layout::of("\"communication_notice\"", &Columns::default(), &known()).unwrap();
        assert_eq!(
            layout.row,
            "SELECT notice.\"id\"::text, notice.\"updated_at\"::text, left(notice.\"title\"::text, 8193), \
             left(notice.\"is_published\"::text, 8193), \
             NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text \
             FROM \"communication_notice\" AS notice WHERE notice.\"id\" = $1::text::bigint"
        );
    }

    #[test]
    fn a_column_that_must_be_there_is_named() {
        let columns = Columns { title: "heading".to_owned(), ..Columns::default() };
        let error = Layout::of("\"notice\"", &columns, &known()).err().unwrap();
        assert_eq!(error.to_string(), "the table has no column heading");
    }
}
