//! The tables of a file, for whoever takes them elsewhere.

use rusqlite::Connection;

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    /// How many rows it has.
    pub(crate) rows: u64,
    /// The column that the database gives numbers for, when there is one.
    pub(crate) numbered: Option<String>,
    /// The last number that was given.
    pub(crate) last: i64,
}

/// All tables but those that SQLite has for itself, those behind virtual tables, and what is of no meaning elsewhere: which
/// migrations there were, and who has which lease.
pub(crate) fn tables(connection: &Connection) -> rusqlite::Result<Vec<Table>> {
    let sql = "SELECT name FROM sqlite_schema AS t
               WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('migration', 'lease')
                   AND NOT EXISTS (SELECT 1 FROM sqlite_schema AS v WHERE v.sql LIKE 'CREATE VIRTUAL TABLE%'
                       AND (t.name = v.name OR substr(t.name, 1, length(v.name) + 1) = v.name || '_'))
               ORDER BY name";
    let names =
        connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    names.into_iter().map(|name| table(connection, name)).collect()
}

fn table(connection: &Connection, name: String) -> rusqlite::Result<Table> {
    let sql = "SELECT name, type = 'INTEGER' AND pk = 1
                   AND (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0) = 1
               FROM pragma_table_info(?1) ORDER BY cid";
    let mut statement = connection.prepare(sql)?;
    let columns = statement.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let columns = columns.collect::<Result<Vec<(String, bool)>, _>>()?;
    let numbered = columns.iter().find(|(_, is_numbered)| *is_numbered).map(|(name, _)| name.clone());
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let rows = count(&format!("SELECT count(*) FROM \"{name}\""))?;
    let mut last = 0;
    if let Some(number) = &numbered {
        last = count(&format!("SELECT coalesce(max(\"{number}\"), 0) FROM \"{name}\""))?;
        let given = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1";
        last = last.max(connection.query_row(given, [&name], |row| row.get(0)).unwrap_or(0));
    }
    let columns = columns.into_iter().map(|(name, _)| name).collect();
    Ok(Table { name, columns, rows: rows.unsigned_abs(), numbered, last })
}
