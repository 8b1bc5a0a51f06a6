//! Whom a notice is for.

use causeway_kit::{Error, store::Reader};
use causeway_proto::{
    plugin::{UserList, notice::To},
    topic::{EVERYBODY, Topic},
};

use crate::{bulk, field, person};

/// Most users that a notice names.
const MAX_USERS: usize = 10_000;

/// Whom, by canonical ids.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    User(String),
    Audience(String),
    /// Each once, in the order of their ids.
    Users(Vec<String>),
}

impl Target {
    /// Reads whom a notice names.
    pub(super) fn read(reader: &Reader<'_>, to: Option<To>) -> Result<Self, Error> {
        match to {
            Some(To::UserId(id)) => {
                Ok(Self::User(person::resolve(reader, field::user("notice.user_id", &id)?)?))
            }
            Some(To::Audience(name)) => {
                field::audience("notice.audience", &name)?;
                Ok(Self::Audience(name))
            }
            Some(To::Everybody(true)) => Ok(Self::Audience(EVERYBODY.to_owned())),
            Some(To::Everybody(false)) => {
                Err(Error::invalid("notice.everybody", "must be true when it is set"))
            }
            Some(To::Users(UserList { user_ids })) => {
                if !(1..=MAX_USERS).contains(&user_ids.len()) {
                    return Err(Error::invalid("notice.users.user_ids", format!("must be 1 to {MAX_USERS}")));
                }
                let given = user_ids.iter().map(|id| field::user("notice.users.user_ids", id));
                let mut ids = bulk::recipients(reader, given.collect::<Result<_, _>>()?)?;
                ids.sort_unstable();
                Ok(Self::Users(ids))
            }
            None => Err(Error::invalid("notice.to", "must say whom it is for")),
        }
    }

    /// The topics that show it.
    pub(super) fn topics(&self) -> Vec<String> {
        match self {
            Self::User(id) => vec![Topic::User(id).to_string()],
            Self::Audience(name) => vec![Topic::Audience(name).to_string()],
            Self::Users(ids) => ids.iter().map(|id| Topic::User(id).to_string()).collect(),
        }
    }
}
