//! What every connection is told at its beginning: whose schema, and how long things may take.

use std::time::Duration;

/// How long a transaction may take, with the connection that it may need: whoever waits for it hears within 5 s that it cannot be
/// done.
pub(in crate::store::postgres) const TRANSACTION: Duration = Duration::from_millis(3_500);
/// After how long within a transaction the server gives up a process that says nothing, and others go on.
const SILENCE: Duration = Duration::from_secs(2);

/// The schema of a service, by the name of its store.
pub(in crate::store::postgres) fn schema(name: &str) -> String {
    format!("causeway_{name}")
}

/// What every connection is told at its beginning. A commit waits for the disk whatever the server's default is.
pub(super) fn preamble(name: &str) -> String {
    format!(
        "SET search_path TO {}; SET client_min_messages TO warning; SET TIME ZONE 'UTC';
         SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off';",
        schema(name),
    )
}

/// How long the server lets a statement take, and a transaction in which nothing is said.
pub(super) fn limits() -> String {
    let (statement, silence) = (TRANSACTION.as_millis(), SILENCE.as_millis());
    format!(
        "SET statement_timeout TO {statement}; SET lock_timeout TO {statement};
         SET idle_in_transaction_session_timeout TO {silence}"
    )
}
