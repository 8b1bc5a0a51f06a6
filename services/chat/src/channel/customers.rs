//! Customers of channels: the user that stands for a provider's customer, and the conversation that is theirs.

use causeway_kit::{
    Error,
    store::{Mismatch, Reader, Row, Tx, params},
};
use causeway_proto::{chat::User, plugin::Customer};

use super::inbound::Origin;
use crate::{
    creation, limits, profiles,
    seats::{self, Seat},
    settings::Settings,
    users,
};

/// The ids of such users are numbers, which every frontend prints as it likes them, from a range that no backend counts up to;
/// all have sixteen digits, so they sort as text as they do as numbers. Above 2^53 - 1 not every frontend reads them exactly.
const FIRST: u64 = 9_000_000_000_000_001;
const LAST: u64 = (1 << 53) - 1;

/// How a customer is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    /// The plugin.
    pub(crate) plugin: String,
    /// The provider account.
    pub(crate) account: String,
    /// The provider's id of the customer.
    pub(crate) customer_ref: String,
    pub(crate) user_id: String,
    pub(crate) conversation_id: String,
    /// When the customer last wrote, in microseconds since the epoch; `None` when the customer never did.
    pub(crate) wrote_at: Option<i64>,
}

fn from_row(row: &Row<'_>) -> Result<Channel, Mismatch> {
    Ok(Channel {
        plugin: row.get(0)?,
        account: row.get(1)?,
        customer_ref: row.get(2)?,
        user_id: row.get(3)?,
        conversation_id: row.get(4)?,
        wrote_at: row.get(5)?,
    })
}

/// A customer by the provider's id.
pub(super) fn find(
    reader: &Reader<'_>,
    from: &Origin<'_>,
    customer_ref: &str,
) -> Result<Option<Channel>, Error> {
    let sql = "SELECT plugin, account, customer_ref, user_id, conversation_id, wrote_at FROM channel_customer
               WHERE plugin = ?1 AND account = ?2 AND customer_ref = ?3";
    reader.one(sql, params![from.plugin, from.account, customer_ref], from_row)
}

/// A customer by the provider's id, who wrote when the event happened. One statement, because every message starts here.
pub(super) fn find_writing(
    tx: &Tx<'_>,
    from: &Origin<'_>,
    customer_ref: &str,
) -> Result<Option<Channel>, Error> {
    let sql = "UPDATE channel_customer SET wrote_at = max(coalesce(wrote_at, ?4), ?4)
               WHERE plugin = ?1 AND account = ?2 AND customer_ref = ?3
               RETURNING plugin, account, customer_ref, user_id, conversation_id, wrote_at";
    tx.one(sql, params![from.plugin, from.account, customer_ref, from.time], from_row)
}

/// The channel of a support conversation; `None` when its customer is none of a plugin's.
pub(crate) fn of_conversation(reader: &Reader<'_>, conversation_id: &str) -> Result<Option<Channel>, Error> {
    let sql = "SELECT plugin, account, customer_ref, user_id, conversation_id, wrote_at FROM channel_customer
               WHERE conversation_id = ?1";
    reader.one(sql, [conversation_id], from_row)
}

/// Whether a user stands for a plugin's customer.
pub(crate) fn is_one(reader: &Reader<'_>, user_id: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM channel_customer WHERE user_id = ?1";
    Ok(reader.one(sql, [user_id], |_| Ok(()))?.is_some())
}

/// The place of a customer who is known, with the names that the provider gives now.
pub(super) fn place(
    tx: &mut Tx<'_>,
    channel: &Channel,
    said: Customer,
    allow_http: bool,
) -> Result<Seat, Error> {
    let mut seat = seats::find(tx, &channel.conversation_id, &channel.user_id)?;
    if named(seat.user.clone(), said.clone(), allow_http) != seat.user {
        let stored = users::find_full(tx, &channel.user_id)?;
        let wanted = named(stored.clone().unwrap_or_else(|| seat.user.clone()), said, allow_http);
        let audiences = Vec::new();
        seat.user = User { audiences, ..profiles::store(tx, stored, wanted)? };
    }
    Ok(seat)
}

/// Makes the user and the support conversation of a customer who is not known yet. `wrote_at` is when the customer wrote, in
/// microseconds since the epoch.
pub(super) fn make(
    tx: &mut Tx<'_>,
    from: &Origin<'_>,
    said: Customer,
    wrote_at: Option<i64>,
    settings: &Settings,
) -> Result<Seat, Error> {
    let customer_ref = said.id.clone();
    let user = User { source: from.plugin.to_owned(), ..users::new(next_id(tx)?) };
    let mut user = named(user, said, settings.allow_http_attachments);
    users::insert(tx, &mut user)?;
    let user_id = user.id.clone();
    let conversation = creation::open_support(tx, user, settings)?;
    let sql =
        "INSERT INTO channel_customer (plugin, account, customer_ref, user_id, conversation_id, wrote_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = params![from.plugin, from.account, customer_ref, user_id, conversation.id, wrote_at];
    tx.execute(sql, row)?;
    seats::find(tx, &conversation.id, &user_id)
}

/// A user with what the provider says of the customer. Names that are longer than ours may be are cut, and a picture that we
/// do not show is left out: the message matters more.
fn named(mut user: User, said: Customer, allow_http: bool) -> User {
    for (field, said) in [
        (&mut user.first_name, said.first_name),
        (&mut user.last_name, said.last_name),
        (&mut user.username, said.username),
    ] {
        if !said.is_empty() {
            *field = said.chars().take(limits::NAME).collect();
        }
    }
    let picture = said.profile_picture;
    if !picture.is_empty() && limits::url("profile_picture", &picture, allow_http).is_ok() {
        user.profile_picture = picture;
    }
    user
}

/// The next number that no user has.
fn next_id(tx: &Tx<'_>) -> Result<String, Error> {
    let sql = "SELECT max(user_id) FROM channel_customer";
    let newest: Option<String> = tx.one(sql, [], |row| row.get(0))?.flatten();
    let after = newest.and_then(|id| id.parse::<u64>().ok()).map_or(FIRST, |newest| newest + 1);
    for number in after..=LAST {
        let id = number.to_string();
        if users::find(tx, &id)?.is_none() {
            return Ok(id);
        }
    }
    Err(Error::internal("no number is free for a customer"))
}
