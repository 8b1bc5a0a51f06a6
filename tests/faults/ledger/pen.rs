//! One client's file: a line for each thing that happens to it.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use anyhow::{Context, bail};

/// Writes a client's file.
pub(crate) struct Pen(File);

/// A line of it. No word has a space in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// The client sends a message.
    Attempt { room: String, key: String },
    /// The client was told that its message is stored, and under which id.
    Acknowledged { room: String, key: String, id: u64 },
    /// A message was shown to the client.
    Received { room: String, key: String, id: u64 },
    /// The client's view begins after this message: it has asked for no more, or was told that there is no more.
    From { room: String, id: u64 },
}

impl Pen {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(file.with_context(|| path.display().to_string())?))
    }

    /// Before a message is sent.
    pub(crate) fn attempt(&mut self, room: &str, key: &str) -> anyhow::Result<()> {
        self.write(&Line::Attempt { room: room.into(), key: key.into() })
    }

    /// When it is acknowledged.
    pub(crate) fn acknowledged(&mut self, room: &str, key: &str, id: u64) -> anyhow::Result<()> {
        self.write(&Line::Acknowledged { room: room.into(), key: key.into(), id })
    }

    /// When a message is shown.
    pub(crate) fn received(&mut self, room: &str, key: &str, id: u64) -> anyhow::Result<()> {
        self.write(&Line::Received { room: room.into(), key: key.into(), id })
    }

    /// When the view of a room begins anew, after a message.
    pub(crate) fn from(&mut self, room: &str, id: u64) -> anyhow::Result<()> {
        self.write(&Line::From { room: room.into(), id })
    }

    fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        let text = match line {
            Line::Attempt { room, key } => format!("attempt {room} {key}\n"),
            Line::Acknowledged { room, key, id } => format!("acknowledged {room} {key} {id}\n"),
            Line::Received { room, key, id } => format!("received {room} {key} {id}\n"),
            Line::From { room, id } => format!("from {room} {id}\n"),
        };
        self.0.write_all(text.as_bytes()).context("the ledger cannot be written")
    }
}

impl Line {
    /// Reads a line back.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let words: Vec<_> = text.split(' ').collect();
        Ok(match words[..] {
            ["attempt", room, key] => Self::Attempt { room: room.into(), key: key.into() },
            ["acknowledged", room, key, id] => {
                Self::Acknowledged { room: room.into(), key: key.into(), id: id.parse()? }
            }
            ["received", room, key, id] => {
                Self::Received { room: room.into(), key: key.into(), id: id.parse()? }
            }
            ["from", room, id] => Self::From { room: room.into(), id: id.parse()? },
            _ => bail!("not a line of a ledger: {text:?}"),
        })
    }
}
