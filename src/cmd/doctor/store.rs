//! Where stores are, as the doctor finds it: the PostgreSQL of `[store]`.

use causeway_config::StoreSettings;
use causeway_kit::store::{Inspection, Tables, TablesState, Unusable};

use super::Finding;
use crate::storage;

const SUBJECT: &str = "store";
/// The oldest PostgreSQL that is supported.
const OLDEST: i32 = 14;
/// By how much its clock and ours may differ, in microseconds.
const TOLERANCE: i64 = 2_000_000;
/// Connections of a store besides those of its readers.
const WRITERS: usize = 1;

/// Whether it is there, fits, can be written to, and keeps what is committed.
pub(super) async fn store(settings: &StoreSettings) -> Vec<Finding> {
    let server = match storage::server(settings) {
        Ok(Some(server)) => server,
        Ok(None) => return vec![Finding::well(SUBJECT, "files in the data directory (SQLite)")],
        Err(error) => return vec![Finding::wrong(SUBJECT, error.to_string(), "correct it")],
    };
    let schemas = [causeway_chat::SCHEMA, causeway_notification::SCHEMA, causeway_presence::SCHEMA];
    match server.inspect(&schemas).await {
        Ok(found) => all(server.place(), found, settings.readers),
        Err(unusable) => vec![why(server.place(), &unusable)],
    }
}

fn why(place: &str, unusable: &Unusable) -> Finding {
    let (verb, way_out) = match unusable {
        Unusable::Away(_) => ("cannot be reached", "start it, or correct store.url"),
        Unusable::Refused(_) => {
            ("does not let us in", "make the role and the database that store.url names, or correct it")
        }
        Unusable::ReadOnly => {
            ("cannot be used", "name the primary in store.url; several hosts with commas between are tried")
        }
    };
    Finding::wrong(SUBJECT, format!("{place} {verb}: {unusable}"), way_out)
}

fn all(place: &str, found: Inspection, readers: usize) -> Vec<Finding> {
    let Inspection { version, major, waits_for_disk, clock_behind, connections, stores } = found;
    let mut findings = vec![if major < OLDEST {
        let found = format!("{place} has version {version}, which is older than {OLDEST}");
        Finding::wrong(SUBJECT, found, "upgrade it")
    } else {
        Finding::well(SUBJECT, format!("{place} can be written to, version {version}"))
    }];
    let (most, open) = connections;
    let needed = i64::try_from(stores.len() * (readers + WRITERS)).unwrap_or(i64::MAX);
    if i64::from(most) < needed {
        let found = format!(
            "it takes {most} connections ({open} are open), and one process of each service may open {needed}"
        );
        findings.push(Finding::note(SUBJECT, found, "raise its max_connections, or lower store.readers"));
    }
    if !waits_for_disk {
        let found = "it runs with fsync off: a power cut may lose what was acknowledged";
        findings.push(Finding::note(SUBJECT, found, "set fsync = on in postgresql.conf"));
    }
    if clock_behind.saturating_abs() > TOLERANCE {
        let found = format!("its clock is {} this machine's", super::apart(clock_behind));
        findings.push(Finding::wrong(SUBJECT, found, "see which is wrong, and let NTP keep both"));
    }
    findings.extend(stores.into_iter().map(tables));
    findings
}

/// The tables of one store, against what this build knows.
fn tables(tables: Tables) -> Finding {
    let Tables { name, schema, state } = tables;
    let (kit, own) = match state {
        TablesState::Missing { may_be_made: true } => {
            return Finding::note(SUBJECT, format!("{name} has no tables yet"), "its first start makes them");
        }
        TablesState::Missing { may_be_made: false } => {
            let found = format!("{name} has no tables, and the role of store.url may not make them");
            return Finding::wrong(SUBJECT, found, "GRANT CREATE ON DATABASE … to it");
        }
        TablesState::Closed => {
            let found =
                format!("the role of store.url may not read and write the tables of {name} in {schema}");
            return Finding::wrong(SUBJECT, found, "let it own them, or name another role");
        }
        TablesState::Found { kit, own } => (kit, own),
    };
    let there = format!("{name} has version {} of its schema and {} of the kit's", own[0], kit[0]);
    if own[0] > own[1] || kit[0] > kit[1] {
        let found = format!("{there}, and this build knows {} and {} at most", own[1], kit[1]);
        return Finding::wrong(SUBJECT, found, "run the version of Causeway that brought it up to date");
    }
    if own[0] < own[1] || kit[0] < kit[1] {
        let found = format!("{there}, and this build has {} and {}", own[1], kit[1]);
        let way_out = "the next start of this build brings it up to date; older processes refuse then";
        return Finding::note(SUBJECT, found, way_out);
    }
    Finding::well(SUBJECT, format!("{there}, as this build"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::State;

    fn found(kit: [u32; 2], own: [u32; 2]) -> Finding {
        let state = TablesState::Found { kit, own };
        tables(Tables { name: "chat", schema: "causeway_chat".to_owned(), state })
    }

    fn server() -> Inspection {
        Inspection {
            version: "15.9".to_owned(),
            major: 15,
            waits_for_disk: true,
            clock_behind: 0,
            connections: (100, 3),
            stores: Vec::new(),
        }
    }

    #[test]
    fn a_schema_is_newer_older_or_the_same() {
        assert_eq!(found([4, 4], [3, 3]).state, State::Well);
        assert_eq!(found([4, 4], [2, 3]).state, State::Note);
        for newer in [found([5, 4], [3, 3]), found([4, 4], [9, 3])] {
            assert_eq!(newer.state, State::Wrong);
            assert!(newer.found.contains("this build knows 3 and 4 at most"), "{}", newer.found);
        }
    }

    #[test]
    fn a_server_that_may_lose_or_misdate_is_told() {
        assert_eq!(all("p", server(), 8).len(), 1);
        let forgetful = all("p", Inspection { waits_for_disk: false, ..server() }, 8);
        assert!(forgetful[1].state == State::Note && forgetful[1].found.contains("fsync"));
        let late = all("p", Inspection { clock_behind: 5_000_000, ..server() }, 8);
        assert!(late[1].state == State::Wrong && late[1].found.contains("5.0 s ahead of"));
        let old = all("p", Inspection { major: 13, version: "13.2".to_owned(), ..server() }, 8);
        assert!(old[0].state == State::Wrong && old[0].found.contains("13.2"));
    }
}
