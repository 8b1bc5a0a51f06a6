//! A connection to PostgreSQL, and what is heard on it.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    task::JoinSet,
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::layout::quoted;
use crate::error::TableError;

/// Most ids that wait to be looked at. Beyond that it is only known that there is something.
const WAITING: usize = 256;

/// What a session needs to be: the same texts whatever the server's settings are, and no writes.
const SESSION: &str = "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; SET default_transaction_read_only = on";

/// A connection. It is closed when this is dropped.
pub(super) struct Link {
    client: Client,
    patience: Duration,
    told: Arc<Told>,
    driver: JoinSet<()>,
}

/// What was told and not looked at.
#[derive(Default)]
struct Told {
    waiting: Mutex<Waiting>,
    rang: Notify,
}

#[derive(Default)]
struct Waiting {
    ids: BTreeSet<String>,
    something: bool,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// That rows of these ids changed.
    Rows(Vec<String>),
    /// That something changed.
    Something,
}

impl Link {
    /// Connects. `patience`: how long that, and any query, may take.
    pub(super) async fn open(
        config: &Config,
        tls: Option<&MakeRustlsConnect>,
        patience: Duration,
    ) -> Result<Self, TableError> {
        let told = Arc::new(Told::default());
        let mut driver = JoinSet::new();
        let client = match tls {
            Some(tls) => {
                let (client, connection) = within(patience, config.connect(tls.clone())).await?;
                driver.spawn(drive(connection, told.clone()));
                client
            }
            None => {
                let (client, connection) = within(patience, config.connect(NoTls)).await?;
                driver.spawn(drive(connection, told.clone()));
                client
            }
        };
        within(patience, client.batch_execute(SESSION)).await?;
        Ok(Self { client, patience, told, driver })
    }

    /// Has the server tell of what is said on a channel.
    pub(super) async fn listen(&self, channel: &str) -> Result<(), TableError> {
        within(self.patience, self.client.batch_execute(&format!("LISTEN {}", quoted(channel)))).await
    }

    /// Asks.
    pub(super) async fn query(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, TableError> {
        within(self.patience, self.client.query(sql, params)).await
    }

    /// Waits until something is told. Fails when the connection is lost.
    pub(super) async fn heard(&mut self) -> Result<Heard, TableError> {
        loop {
            if let Some(heard) = self.told.take() {
                return Ok(heard);
            }
            tokio::select! {
                () = self.told.rang.notified() => {}
                _ = self.driver.join_next() => return Err(TableError::Lost),
            }
        }
    }
}

impl Told {
    fn note(&self, id: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if id.is_empty() || waiting.ids.len() >= WAITING {
            waiting.something = true;
        } else {
            waiting.ids.insert(id.to_owned());
        }
        drop(waiting);
        self.rang.notify_one();
    }

    fn take(&self) -> Option<Heard> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        match waiting {
            // What is told of by name may be older than what a catch-up sees; both are done, one after the other.
            Waiting { ids, something } if !ids.is_empty() => {
                if something {
                    self.note("");
                }
                Some(Heard::Rows(ids.into_iter().collect()))
            }
            Waiting { something: true, .. } => Some(Heard::Something),
            Waiting { .. } => None,
        }
    }
}

/// Moves what goes over the connection, until it ends.
async fn drive<S, T>(mut connection: Connection<S, T>, told: Arc<Told>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            told.note(notification.payload());
        }
    }
}

async fn within<T>(
    patience: Duration,
    doing: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, TableError> {
    Ok(timeout(patience, doing).await.map_err(|_| TableError::TimedOut)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_often_is_looked_at_once() {
        let told = Told::default();
        for id in ["2", "1", "2"] {
            told.note(id);
        }
        assert_eq!(told.take(), Some(Heard::Rows(vec!["1".into(), "2".into()])));
        assert_eq!(told.take(), None);
        told.note("");
        assert_eq!(told.take(), Some(Heard::Something));
    }

    #[test]
    fn of_too_much_it_is_known_that_there_is_more() {
        let told = Told::default();
        for id in 0..1_000 {
            told.note(&id.to_string());
        }
        assert!(matches!(told.take(), Some(Heard::Rows(ids)) if ids.len() == WAITING));
        assert_eq!(told.take(), Some(Heard::Something));
        assert_eq!(told.take(), None);
    }
}
