use std::sync::Arc;

use super::*;
use crate::{
    metrics::Metrics,
    params,
    store::{
        Storage, Store,
        tests::{SCHEMA, Scratch, append, note, notes},
    },
    testing::postgres::Postgres as Server,
};

const TEST: Schema = Schema { name: "test", migrations: SCHEMA, derived: &[], made: &[], after_transfer: "" };

/// A file with some notes and events, and an empty database.
struct Move {
    scratch: Scratch,
    server: Postgres,
}

impl Move {
    async fn prepare(name: &str) -> Option<Self> {
        let url = Server::shared()?.database(name);
        let scratch = Scratch::in_files();
        let store = scratch.open().await;
        for text in ["one", "two, 'quoted' \\ and ünïcode", ""] {
            store.write(move |tx| note(tx, text).and_then(|_| append(tx))).await.unwrap();
        }
        store.write(|tx| tx.owe("greeting", "7", vec![0, 1, 255])).await.unwrap();
        store.close().await;
        let server = Postgres::new(&url, None, 2, std::time::Duration::from_secs(5)).unwrap();
        Some(Self { scratch, server })
    }

    async fn go(&self) -> Result<Vec<Moved>, TransferError> {
        let file = self.scratch.dir.path().join("test.db");
        transfer(&file, &self.server, TEST, self.scratch.options(), Box::new(|_, _, _| ())).await
    }

    async fn open(&self) -> Store {
        let storage = Storage::Postgres(Arc::new(self.server.clone()));
        Store::open(StoreOptions { storage, ..self.scratch.options() }, &Metrics::default()).await.unwrap()
    }
}

#[tokio::test]
async fn all_rows_arrive_and_numbers_go_on_after_them() {
    let Some(files) = Move::prepare("all_rows_arrive").await else { return };
    let moved = files.go().await.unwrap();
    let rows = |table: &str| moved.iter().find(|moved| moved.table == table).map(|moved| moved.rows);
    assert_eq!(
        (rows("note"), rows("event"), rows("outbox"), rows("topic")),
        (Some(3), Some(3), Some(1), Some(1))
    );
    let store = files.open().await;
    assert_eq!(notes(&store).await, ["one", "two, 'quoted' \\ and ünïcode", ""]);
    assert_eq!(store.write(append).await.unwrap(), 4);
    assert_eq!(store.write(|tx| note(tx, "new")).await.unwrap(), 4);
}

#[tokio::test]
async fn it_can_be_repeated_until_somebody_writes_there() {
    let Some(files) = Move::prepare("it_can_be_repeated").await else { return };
    let first = files.go().await.unwrap();
    assert_eq!(files.go().await.unwrap(), first);
    let store = files.scratch.open().await;
    store.write(|tx| note(tx, "written to the file later")).await.unwrap();
    store.close().await;
    drop(store);
    assert_ne!(files.go().await.unwrap(), first);

    let store = files.open().await;
    store.write(|tx| note(tx, "written there")).await.unwrap();
    let refused = files.go().await.unwrap_err();
    assert!(
        matches!(&refused, TransferError::Foreign { table, rows: 5, .. } if table == "note"),
        "{refused}"
    );
    assert_eq!(notes(&store).await.len(), 5);
}

#[tokio::test]
async fn a_file_in_use_is_left_alone() {
    let Some(files) = Move::prepare("a_file_in_use").await else { return };
    let _store = files.scratch.open().await;
    assert!(matches!(files.go().await, Err(TransferError::Open(OpenError::InUse { .. }))));
}

#[tokio::test]
async fn what_arrives_otherwise_is_not_kept() {
    let Some(files) = Move::prepare("what_arrives_otherwise").await else { return };
    let store = files.open().await;
    // The database changes what it is given.
    let tamper = "CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS
                      'BEGIN NEW.text := upper(NEW.text); RETURN NEW; END'";
    store.write(move |tx| tx.execute(tamper, params![])).await.unwrap();
    let trigger = "CREATE TRIGGER tamper BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION tamper()";
    store.write(move |tx| tx.execute(trigger, params![])).await.unwrap();
    let refused = files.go().await.unwrap_err();
    assert!(matches!(&refused, TransferError::Differs { table, .. } if table == "note"), "{refused}");
    assert!(notes(&store).await.is_empty());
}
