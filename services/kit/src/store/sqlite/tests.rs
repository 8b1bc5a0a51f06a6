//! What holds of files alone.

use crate::{
    error::Error,
    metrics::Metrics,
    store::{
        OpenError, Storage, Store, StoreOptions,
        tests::{Scratch, append, note, notes},
    },
};

#[tokio::test]
async fn a_full_disk_is_said_and_got_over() {
    let scratch = Scratch::in_files();
    let store = scratch.open().await;
    let health = store.health();
    let limit = |pages: u32| {
        store.write(move |tx| tx.one(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
    };
    let fill = || store.write(|tx| note(tx, &"x".repeat(100_000)));
    limit(100).await.unwrap();

    let failed = loop {
        if let Err(error) = fill().await {
            break error;
        }
    };
    assert!(matches!(failed, Error::Unavailable(_)), "{failed}");
    assert!(!*health.borrow());
    assert!(!notes(&store).await.is_empty());

    limit(3000).await.unwrap();
    store.probe().await;
    assert!(*health.borrow());
    fill().await.unwrap();
}

#[tokio::test]
async fn a_damaged_file_stops_all_writes() {
    let scratch = Scratch::in_files();
    let store = scratch.open().await;
    store.write(|tx| (0..200).try_for_each(|_| note(tx, &"x".repeat(1000)).map(drop))).await.unwrap();
    store.close().await;
    drop(store);
    let store = scratch.open().await;
    let path = scratch.dir.path().join("test.db");
    let length = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(length / 2).unwrap();
    file.set_len(length).unwrap();

    let sql = "SELECT count(*) FROM note WHERE text LIKE '%y'";
    let read = store.read(move |reader| reader.one(sql, [], |row| row.get::<i64>(0))).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(!*store.health().borrow());
    assert!(matches!(store.write(|tx| note(tx, "more")).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn two_do_not_share_a_database() {
    let scratch = Scratch::in_files();
    let store = scratch.open().await;
    assert!(matches!(scratch.refusal().await, OpenError::InUse { .. }));
    store.close().await;
    drop(store);
    scratch.open().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let scratch = Scratch::in_files();
    std::fs::write(scratch.dir.path().join("test.db"), "not a database at all ".repeat(100)).unwrap();
    assert!(matches!(scratch.refusal().await, OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let scratch = Scratch::in_files();
    let options = StoreOptions { storage: Storage::Files("/proc/causeway".into()), ..scratch.options() };
    let refusal = Store::open(options, &Metrics::default()).await.err().unwrap();
    assert!(refusal.to_string().starts_with("cannot write /proc/causeway/test.db.lock: "), "{refusal}");
}

#[tokio::test]
async fn a_log_that_was_cut_is_noticed() {
    let scratch = Scratch::in_files();
    let store = scratch.open().await;
    for _ in 0..3 {
        store.write(append).await.unwrap();
    }
    // As a crash leaves it: nothing is folded, and then the log is gone.
    let file = |name: &str| scratch.dir.path().join(name);
    for name in ["test.db", "test.db-mark"] {
        std::fs::copy(file(name), file(&format!("kept-{name}"))).unwrap();
    }
    store.close().await;
    drop(store);
    for name in ["test.db", "test.db-mark"] {
        std::fs::rename(file(&format!("kept-{name}")), file(name)).unwrap();
    }
    let refusal = scratch.refusal().await.to_string();
    assert!(refusal.contains("holds 0 events, and 3 were stored"), "{refusal}");
    std::fs::remove_file(file("test.db-mark")).unwrap();
    assert_eq!(scratch.open().await.write(append).await.unwrap(), 1);
}
