//! What the command prints on standard output: tables and lines for people, JSON for programs.

mod plugin;
mod row;
mod view;

use std::io::{self, ErrorKind, Write};

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

pub(crate) use plugin::{OutboxView, PluginView, SetAsideView};
pub(crate) use view::{BulkView, ConversationView, MessageView, NotificationView, UserView};

/// Whom to print for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Print JSON in one line, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Something that can be shown to people.
pub(crate) trait ForPeople {
    /// Its lines, without an end of line at the end.
    fn for_people(&self) -> String;
}

impl Output {
    /// Prints a thing.
    pub(crate) fn show<T: Serialize + ForPeople>(self, thing: &T) -> anyhow::Result<()> {
        if self.json { self.json(thing) } else { line(&thing.for_people()) }
    }

    fn json(self, thing: &impl Serialize) -> anyhow::Result<()> {
        line(&serde_json::to_string(thing)?)
    }
}

/// Prints a text and an end of line. A reader who has seen enough (`| head`) is no error.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// A table with a heading; what people typed may hold control characters, which are shown and not obeyed.
pub(crate) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heading);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    let text = table.to_string();
    text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect::<Vec<_>>().join("\n")
}

/// A thing's fields, one in a line; empty ones are left out.
pub(crate) fn fields<const N: usize>(fields: [(&str, String); N]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = fields.iter().filter(|(_, value)| !value.is_empty());
    lines.map(|(name, value)| format!("{name:width$}  {}", printable(value))).collect::<Vec<_>>().join("\n")
}

/// The text with control characters escaped, so that nobody's name moves the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc é"), "a\\u{1b}[2Jb\\r\\nc é");
    }

    #[test]
    fn a_table_is_aligned_and_starts_at_the_margin() {
        let text = table(["id", "name"], [["1".into(), "Ann".into()], ["10".into(), "Bo".into()]]);
        assert_eq!(text, "id  name\n1   Ann\n10  Bo");
    }

    #[test]
    fn empty_fields_are_left_out() {
        let text = fields([("id", "7".into()), ("username", String::new()), ("name", "Ann".into())]);
        assert_eq!(text, "id        7\nname      Ann");
    }
}
