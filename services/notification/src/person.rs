//! Users whose id is a string, found again by the UUID that stands for it: a backend that read the UUID in a
//! frame may notify by it. Only those are known who were once named by their id.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::id::{self, Given};

/// The canonical id. A UUID that stands for nobody known is an id of its own.
pub(crate) fn resolve(reader: &Reader<'_>, given: Given) -> Result<String, Error> {
    match given {
        Given::Canonical(id) => Ok(id),
        Given::Hashed(uuid) => {
            let known = reader.one(
                "SELECT user_id FROM person WHERE uuid = ?1",
                params![uuid.as_bytes()],
                |row| row.get::<String>(0),
            )?;
            Ok(known.unwrap_or_else(|| uuid.to_string()))
        }
    }
}

/// Makes a user with a canonical id known.
pub(crate) fn remember(tx: &Tx<'_>, user_id: &str) -> Result<(), Error> {
    let uuid = id::to_uuid(user_id);
    if let Ok(Given::Hashed(_)) = id::read(&uuid.to_string())
        && uuid.to_string() != user_id
    {
        tx.execute(
            "INSERT INTO person (uuid, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![uuid.as_bytes(), user_id],
        )?;
    }
    Ok(())
}
