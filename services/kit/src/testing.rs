//! Where tests keep their stores: in files, or, when `CAUSEWAY_TEST_STORE` is `postgres`, in a PostgreSQL of the test process's
//! own. So one suite is run over both engines. And [`until`], by which they wait.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{env, path::Path, sync::Arc, time::Duration};

use crate::store::{Postgres, Storage};

#[path = "../../../tests/stand_ins/postgres.rs"]
pub(crate) mod postgres;
#[path = "../../../tests/stand_ins/until.rs"]
mod until;

pub use until::until;

/// Whether stores are in PostgreSQL.
pub fn is_postgres() -> bool {
    match env::var("CAUSEWAY_TEST_STORE").as_deref() {
        Ok("postgres") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("CAUSEWAY_TEST_STORE is {other:?}: it can be sqlite or postgres"),
    }
}

/// Where the stores of a test are whose folder this is: the same place for the same folder. Blocks while a server starts.
pub fn storage(folder: &Path) -> Storage {
    if !is_postgres() {
        return Storage::Files(folder.to_owned());
    }
    shared(folder).unwrap_or_else(|| panic!("PostgreSQL is not installed"))
}

/// Storage that several processes can have at once, whatever engine is tested; `None`, said on standard error, where PostgreSQL is
/// not installed. Blocks while a server starts.
pub fn shared(folder: &Path) -> Option<Storage> {
    let url = postgres::Postgres::shared()?.database(&folder.display().to_string());
    Some(Storage::Postgres(Arc::new(Postgres::new(&url, None, 4, Duration::from_secs(10)).unwrap())))
}
