//! The data directory: the credentials that its first start makes, and where running parts can be found.
//!
//! ```text
//! D/signing.key     secret of user tokens (HS256), when the configuration names no keys
//! D/service.token   credential of services, when the configuration names none
//! D/plugins/NAME.token  credential of each plugin that comes along
//! D/plugins/files.key   signs links to customers' files
//! D/run/chat.addr   where the chat service of a running process listens; likewise the other parts
//! ```
//! The stores beside them belong to the services.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write},
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use causeway_config::Secret;
use rand::RngCore;

const SIGNING_KEY: &str = "signing.key";
const SERVICE_TOKEN: &str = "service.token";

/// A data directory that exists and can be written.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory (mode 0700) where it is missing, and sees that it can be written.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        match made {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory) => {
                bail!("the data directory {shown} is not a directory: name another with --data-dir")
            }
            Err(error) => {
                bail!("cannot make the data directory {shown}: {error}; name another with --data-dir")
            }
        }
        let probe = draft_of(&path.join("probe"));
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|error| {
            anyhow::anyhow!(
                "cannot write to the data directory {shown}: {error}; make it writable for this user, or name \
                 another with --data-dir"
            )
        })?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The key that signs and verifies tokens where none is configured.
    pub(crate) fn signing_key(&self) -> anyhow::Result<Credential> {
        Credential::at(self.signing_key_file())
    }

    /// Where that key is.
    pub(crate) fn signing_key_file(&self) -> PathBuf {
        self.0.join(SIGNING_KEY)
    }

    /// The credential of services where none is configured.
    pub(crate) fn service_token(&self) -> anyhow::Result<Credential> {
        Credential::at(self.0.join(SERVICE_TOKEN))
    }

    /// The credential of a plugin that comes along.
    pub(crate) fn plugin_token(&self, plugin: &str) -> anyhow::Result<Credential> {
        Credential::at(self.plugins()?.join(format!("{plugin}.token")))
    }

    /// The key that links to customers' files are signed with.
    pub(crate) fn file_links_key(&self) -> anyhow::Result<Credential> {
        Credential::at(self.plugins()?.join("files.key"))
    }

    fn plugins(&self) -> anyhow::Result<PathBuf> {
        let folder = self.0.join("plugins");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Says where a part listens, until the announcement is dropped.
    pub(crate) fn announce(
        &self,
        part: &str,
        scheme: &str,
        address: SocketAddr,
    ) -> anyhow::Result<Announcement> {
        let folder = self.0.join("run");
        let make = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            let file = address_file(&self.0, part);
            let text = url_of(scheme, address);
            let draft = draft_of(&file);
            fs::write(&draft, &text)?;
            fs::rename(&draft, &file)?;
            io::Result::Ok(Announcement { file, text })
        };
        make().with_context(|| format!("cannot write to {}", folder.display()))
    }
}

/// A secret in a file of its own.
pub(crate) struct Credential {
    /// What it is.
    pub(crate) secret: Secret,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

impl Credential {
    /// Reads the file, or makes it with 32 random bytes (base64url, mode 0600). When several processes start at once, one
    /// of them makes it and all have the same.
    fn at(file: PathBuf) -> anyhow::Result<Self> {
        let made = make_secret(&file).with_context(|| format!("cannot make {}", file.display()))?;
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        match Secret::new(text.trim_end_matches(['\r', '\n'])) {
            Some(secret) => Ok(Self { secret, is_new: made }),
            None => bail!("{} is empty: remove it, and the next start makes a new one", file.display()),
        }
    }
}

/// True when the file was made, false when it was there.
fn make_secret(file: &Path) -> io::Result<bool> {
    if file.exists() {
        return Ok(false);
    }
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    let draft = draft_of(file);
    let mut open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    writeln!(open, "{}", URL_SAFE_NO_PAD.encode(bytes))?;
    open.sync_all()?;
    // A link, unlike a rename, fails where another process was faster.
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A name beside a file that nobody else uses.
fn draft_of(file: &Path) -> PathBuf {
    file.with_extension(format!("{:016x}.tmp", rand::rng().next_u64()))
}

/// Says where a part listens for as long as it lives.
pub(crate) struct Announcement {
    file: PathBuf,
    text: String,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // A later process may have announced itself in the meantime: then the file is not ours any more.
        if fs::read_to_string(&self.file).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.file);
        }
    }
}

/// The URL at which a running part says that it listens.
pub(crate) fn announced(data_dir: &Path, part: &str) -> Option<String> {
    let text = fs::read_to_string(address_file(data_dir, part)).ok()?;
    Some(text.trim().to_owned()).filter(|url| !url.is_empty())
}

/// The service token in a data directory, when there is one.
pub(crate) fn existing_service_token(data_dir: &Path) -> Option<Secret> {
    let text = fs::read_to_string(data_dir.join(SERVICE_TOKEN)).ok()?;
    Secret::new(text.trim())
}

/// The files of a data directory that only their owner may read.
pub(crate) fn private_files(data_dir: &Path) -> Vec<PathBuf> {
    [SIGNING_KEY, SERVICE_TOKEN].iter().map(|name| data_dir.join(name)).filter(|path| path.exists()).collect()
}

fn address_file(data_dir: &Path, part: &str) -> PathBuf {
    data_dir.join("run").join(format!("{part}.addr"))
}

/// Where a listener is reached from this machine.
fn url_of(scheme: &str, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{address}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_start_makes_credentials_that_only_the_owner_reads() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&parent.path().join("d")).unwrap();
        let key = dir.signing_key().unwrap();
        assert!(key.is_new);
        assert_eq!(key.secret.expose().len(), 43);
        assert_eq!((mode(dir.path()), mode(&private_files(dir.path())[0])), (0o700, 0o600));

        let again = dir.signing_key().unwrap();
        assert!(!again.is_new);
        assert_eq!(again.secret, key.secret);
        assert_ne!(dir.service_token().unwrap().secret, key.secret);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn processes_that_start_at_once_have_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let open = DataDir::open(dir.path()).unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open.signing_key().unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key.secret == keys[0].secret));
    }

    #[test]
    fn a_data_directory_that_is_a_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataDir::open(&file).unwrap_err().to_string();
        assert!(error.contains("is not a directory") && error.contains("--data-dir"), "{error}");
    }

    #[test]
    fn an_announcement_lasts_as_long_as_its_part() {
        let dir = tempfile::tempdir().unwrap();
        let open = DataDir::open(dir.path()).unwrap();
        let address = "0.0.0.0:8011".parse().unwrap();
        let announcement = open.announce("chat", "https", address).unwrap();
        assert_eq!(announced(dir.path(), "chat").as_deref(), Some("https://127.0.0.1:8011"));
        drop(announcement);
        assert_eq!(announced(dir.path(), "chat"), None);
    }

    #[test]
    fn the_announcement_of_a_later_process_stays() {
        let dir = tempfile::tempdir().unwrap();
        let open = DataDir::open(dir.path()).unwrap();
        let first = open.announce("chat", "http", "127.0.0.1:1".parse().unwrap()).unwrap();
        let _second = open.announce("chat", "http", "127.0.0.1:2".parse().unwrap()).unwrap();
        drop(first);
        assert_eq!(announced(dir.path(), "chat").as_deref(), Some("http://127.0.0.1:2"));
    }
}
