//! Encrypted connections to PostgreSQL.

use std::{fs, path::PathBuf};

use causeway_notices::{Secret, Settings, Table, Target};
use causeway_plugin_sdk::proto::plugin::AccountState;
use tempfile::TempDir;

use crate::{postgres::Postgres, stage::Stage};

/// Gives the server a certificate of its own making for `localhost`; where the certificate is.
fn encrypt(postgres: &Postgres, dir: &TempDir) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = dir.path().join("ca.pem");
    fs::write(&certificate, made.cert.pem()).unwrap();
    for (name, text) in [("server.crt", made.cert.pem()), ("server.key", made.signing_key.serialize_pem())] {
        let file = postgres.data().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        postgres.own(&file);
    }
    postgres.sql("ALTER SYSTEM SET ssl = on");
    postgres.sql("SELECT pg_reload_conf()");
    while postgres.sql("SHOW ssl") != "on" {}
    certificate
}

fn table(postgres: &Postgres, host: &str, ca_file: Option<PathBuf>) -> Table {
    let connection = postgres.connection().replace("host=127.0.0.1", &format!("host={host} sslmode=require"));
    Table { ca_file, to: Some(Target::Everybody), ..Table::new("django", Secret::new(connection)) }
}

async fn stage(table: Table) -> Stage {
    Stage::with(Settings { tables: vec![table], ..Settings::default() }).await
}

#[tokio::test]
async fn a_connection_is_encrypted_and_to_the_right_server_or_not_made() {
    let Some(postgres) = Postgres::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let certificate = encrypt(&postgres, &dir);
    postgres.sql(
        "CREATE TABLE notice (id int PRIMARY KEY, title text, is_published bool, updated_at timestamptz)",
    );
    postgres.sql("INSERT INTO notice VALUES (1, 'hello', true, now())");

    let trusting = stage(table(&postgres, "localhost", Some(certificate.clone()))).await;
    assert_eq!(trusting.messages().await, ["hello"]);
    trusting.account("postgres/django", AccountState::Connected).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND client_port IS NOT NULL AND query NOT LIKE '%pg_stat_ssl%'";
    assert_eq!(postgres.sql(encrypted), "1");

    let other_name = stage(table(&postgres, "127.0.0.1", Some(certificate))).await;
    let report = other_name.account("postgres/django", AccountState::Reconnecting).await;
    assert!(report.advice.contains("certificate"), "{}", report.advice);
}

#[test]
fn certificates_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("none.pem");
    fs::write(&file, "nothing").unwrap();
    let connection = Secret::new("host=localhost sslmode=require");
    let table = Table { ca_file: Some(file), ..Table::new("django", connection) };
    let wrong = causeway_notices::Notices::new(&Settings { tables: vec![table], ..Settings::default() });
    assert!(wrong.err().unwrap().to_string().contains("none.pem"));
}
