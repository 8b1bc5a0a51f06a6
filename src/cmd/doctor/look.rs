//! Each thing of this machine that the doctor looks at.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use causeway_config::{Loaded, Origin, Settings};

use super::Finding;
use crate::{
    data_dir::{self, DataDir},
    limits,
};

/// The file and how much it changes. That it is valid has been seen already.
pub(super) fn configuration(loaded: &Loaded) -> Finding {
    let entries = &loaded.provenance.entries;
    let changed = entries.iter().filter(|entry| entry.origin != Origin::Default).count();
    let file = loaded.provenance.file.as_ref().map(|file| file.display().to_string());
    let file = file.unwrap_or_else(|| "no file".to_owned());
    Finding::well("configuration", format!("{file}, {changed} settings differ from the defaults"))
}

/// What is fine on one's own machine and not in public.
pub(super) fn exposure(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let bridge = &settings.bridge;
    if !bridge.listen.ip().is_loopback() && bridge.allow_localhost_origins {
        let found = format!("{} is public, and pages on any localhost may connect", bridge.listen);
        findings.push(Finding::note("origins", found, "set bridge.allow_localhost_origins = false"));
    }
    if !settings.admin.listen.ip().is_loopback() {
        let found =
            format!("the admin listener {} is public and asks for no credential", settings.admin.listen);
        findings.push(Finding::note("admin", found, "keep it behind a firewall, or on 127.0.0.1"));
    }
    for (index, key) in settings.auth.keys.iter().enumerate() {
        match key.shared_secret() {
            Ok(Some(secret)) if secret.expose().len() < 32 => {
                let found =
                    format!("the secret of auth.keys[{index}] is shorter than 32 bytes, and can be guessed");
                findings.push(Finding::note("keys", found, "take 32 random bytes"));
            }
            Ok(_) => {}
            Err(error) => {
                let found = format!("the secret_file of auth.keys[{index}] cannot be read: {error}");
                findings.push(Finding::wrong("keys", found, "make it readable for this user"));
            }
        }
    }
    findings
}

/// Whether the directory is there, writable, and closed to others.
pub(super) fn data_dir(path: &Path) -> Finding {
    const SUBJECT: &str = "data directory";
    let shown = path.display();
    if !path.exists() {
        return Finding::note(SUBJECT, format!("{shown} is not there yet"), "`causeway up` makes it");
    }
    if let Err(error) = DataDir::open(path) {
        return Finding::wrong(SUBJECT, error.to_string(), "mend it and try again");
    }
    match mode(path) {
        Some(mode) if mode & 0o022 != 0 => {
            Finding::wrong(SUBJECT, format!("others may write to {shown}"), format!("chmod 700 {shown}"))
        }
        _ => Finding::well(SUBJECT, format!("{shown} can be written")),
    }
}

/// Whether only their owner reads them.
pub(super) fn credentials(path: &Path) -> Finding {
    const SUBJECT: &str = "credentials";
    let files = data_dir::private_files(path);
    match files.iter().find(|file| mode(file).is_some_and(|mode| mode & 0o077 != 0)) {
        Some(file) => {
            let shown = file.display();
            Finding::wrong(SUBJECT, format!("others may read {shown}"), format!("chmod 600 {shown}"))
        }
        None if files.is_empty() => {
            Finding::note(SUBJECT, "none in the data directory yet", "`causeway up` makes them")
        }
        None => Finding::well(SUBJECT, "only their owner may read them"),
    }
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

/// Whether the addresses of `up` are free; when something of ours runs, it holds them.
pub(super) fn addresses(settings: &Settings, is_running: bool) -> Vec<Finding> {
    let wanted = [
        ("bridge.listen", settings.bridge.listen),
        ("services.grpc_listen", settings.services.grpc_listen),
        ("admin.listen", settings.admin.listen),
    ];
    wanted.into_iter().map(|(key, address)| free(key, address, is_running)).collect()
}

fn free(key: &str, address: SocketAddr, is_running: bool) -> Finding {
    const SUBJECT: &str = "address";
    match TcpListener::bind(address) {
        Ok(_) => Finding::well(SUBJECT, format!("{address} ({key}) is free")),
        Err(_) if is_running => Finding::well(SUBJECT, format!("{address} ({key}) is in use, a server runs")),
        Err(error) => {
            let way_out = format!("stop what uses it, or set {key} to another");
            Finding::wrong(SUBJECT, format!("{address} ({key}) cannot be used: {error}"), way_out)
        }
    }
}

/// Whether as many files may be open as sockets are wanted.
pub(super) fn open_files(max_connections: usize) -> Finding {
    const SUBJECT: &str = "open files";
    let wanted = max_connections as u64;
    match limits::open_files_at_most() {
        None => Finding::well(SUBJECT, "no limit"),
        Some(most) if max_connections == 0 => Finding::well(SUBJECT, format!("at most {most}")),
        Some(most) if most < wanted + limits::RESERVED => {
            let found = format!("at most {most}, and bridge.max_connections is {wanted}");
            let way_out = format!(
                "raise the hard limit (ulimit -Hn), or set it to {}",
                most.saturating_sub(limits::RESERVED)
            );
            Finding::note(SUBJECT, found, way_out)
        }
        Some(most) => Finding::well(SUBJECT, format!("at most {most}, for {wanted} sockets")),
    }
}

/// Tokens expire by this clock, so it must not be far off. What can be seen from here: it must not stand before the
/// latest change in the data directory.
pub(super) fn clock(path: &Path) -> Finding {
    const SUBJECT: &str = "clock";
    let now = SystemTime::now();
    let changes = fs::read_dir(path).into_iter().flatten().flatten();
    let latest = changes.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max();
    let built = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let earliest = latest.map_or(built, |latest| latest.max(built));
    match earliest.duration_since(now) {
        Ok(ahead) if ahead > Duration::from_secs(5) => {
            let found = format!("it is behind what it was, by {} s or more", ahead.as_secs());
            Finding::wrong(SUBJECT, found, "set it, and let NTP keep it")
        }
        _ => Finding::well(SUBJECT, "it has not gone backwards"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::doctor::State;

    #[test]
    fn credentials_that_others_may_read_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let open = DataDir::open(dir.path()).unwrap();
        open.signing_key().unwrap();
        assert_eq!(credentials(dir.path()).state, State::Well);
        fs::set_permissions(&data_dir::private_files(dir.path())[0], fs::Permissions::from_mode(0o644))
            .unwrap();
        let finding = credentials(dir.path());
        assert_eq!(finding.state, State::Wrong);
        assert!(finding.way_out.unwrap().starts_with("chmod 600 "));
    }

    #[test]
    fn an_address_in_use_is_wrong_unless_we_use_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert_eq!(free("bridge.listen", address, false).state, State::Wrong);
        assert_eq!(free("bridge.listen", address, true).state, State::Well);
    }
}
