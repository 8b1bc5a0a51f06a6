//! What the clients wrote down, read back.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;

use super::pen::Line;

/// All clients' accounts, by client.
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) BTreeMap<String, Account>);

/// What one client did and saw.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Room and key of each message that it sent.
    pub(crate) attempts: Vec<(String, String)>,
    /// Room, key and id of each that was acknowledged.
    pub(crate) acknowledged: Vec<(String, String, u64)>,
    /// What it was shown, by room.
    pub(crate) views: BTreeMap<String, View>,
}

/// What a client was shown of a room, in that order.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// It holds what came after this message; 0 for everything.
    pub(crate) after: u64,
    /// Key and id.
    pub(crate) messages: Vec<(String, u64)>,
}

impl Told {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let mut told = Self::default();
        for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            let client = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)?;
            let account = Account::read(&text).with_context(|| path.display().to_string())?;
            told.0.insert(client, account);
        }
        Ok(told)
    }
}

impl Account {
    /// Reads a client's file.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let mut account = Self::default();
        for line in text.lines() {
            match Line::parse(line)? {
                Line::Attempt { room, key } => account.attempts.push((room, key)),
                Line::Acknowledged { room, key, id } => account.acknowledged.push((room, key, id)),
                Line::Received { room, key, id } => {
                    account.views.entry(room).or_default().messages.push((key, id));
                }
                Line::From { room, id } => {
                    account.views.insert(room, View { after: id, messages: Vec::new() });
                }
            }
        }
        Ok(account)
    }
}
