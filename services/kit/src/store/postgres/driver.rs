//! What moves the bytes of a connection: a runtime of its own, which runs while the connection's one thread waits for an answer. So
//! an answer wakes nobody but who waits for it.

use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, timeout_at},
};
use tokio_postgres::Client;

use super::{failure::PostgresError, server::Postgres};

/// The driver of one connection.
pub(super) struct Driver(Option<Runtime>);

impl Driver {
    /// Connects in the name of a store, and says what every connection says at its beginning. Blocks.
    pub(super) fn connect(
        server: &Postgres,
        name: &str,
        preamble: &str,
        until: Instant,
    ) -> Result<(Self, Client), PostgresError> {
        let driver = Self(Some(Builder::new_current_thread().enable_all().build()?));
        let connecting = async {
            let (client, connection) = server.connect(name).await?;
            tokio::spawn(connection);
            client.batch_execute(preamble).await?;
            Ok(client)
        };
        let client = driver.wait(until, connecting)?;
        Ok((driver, client))
    }

    /// Writes what there is to be written, as far as the socket takes it, and does not wait for anything.
    pub(super) fn push(&self) -> Result<(), PostgresError> {
        let runtime = self.0.as_ref().ok_or(PostgresError::Away)?;
        // The connection's task runs before this comes back.
        runtime.block_on(tokio::task::yield_now());
        Ok(())
    }

    /// Waits for an answer, but not longer than `until`.
    pub(super) fn wait<T>(
        &self,
        until: Instant,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let Some(runtime) = &self.0 else { return Err(PostgresError::Away) };
        let answered = runtime.block_on(async { timeout_at(until, answer).await });
        answered.map_err(|_| PostgresError::Late).and_then(|answer| Ok(answer?))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A runtime waits for its threads when it is dropped, which a task of another must not do.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
