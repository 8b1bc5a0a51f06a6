//! A PostgreSQL of a test's own: the real server, on a free port of the loopback interface, in a directory that goes with it.
//!
//! A test crate takes it in as a module, by its path, with tempfile; each uses a part of it.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::HashMap,
    env,
    ffi::OsStr,
    fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// The one role, which may do everything, and its password.
const ROLE: &str = "causeway";
const PASSWORD: &str = "a-word-of-passage";

/// A running server. It is stopped and removed when this is dropped.
pub(crate) struct Postgres {
    programs: PathBuf,
    /// Whom the server runs as where the test runs as root, which PostgreSQL refuses.
    owner: Option<(u32, u32)>,
    port: u16,
    /// Whether somebody may have been told the port, which is kept from then on.
    is_known: bool,
    options: Vec<String>,
    server: Option<Child>,
    dir: TempDir,
}

impl Postgres {
    /// Whether PostgreSQL is installed.
    pub(crate) fn is_installed() -> bool {
        programs().is_some()
    }

    /// Starts a server; answers when it takes connections. `None`, said on standard error, where PostgreSQL is not installed; a
    /// panic where CI is set.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&["fsync=off"])
    }

    /// The same, with these settings, each as it stands in postgresql.conf, and what is not said as PostgreSQL has it.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(env::var_os("CI").is_none(), "PostgreSQL is not installed");
            eprintln!("left out: PostgreSQL is not installed");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let options = options.iter().flat_map(|option| ["-c".to_owned(), (*option).to_owned()]).collect();
        let owner = owner(dir.path());
        let mut postgres = Self { programs, owner, port: 0, is_known: false, options, server: None, dir };
        postgres.own(postgres.dir.path());
        postgres.initialise();
        postgres.resume();
        Some(postgres)
    }

    /// The server that all tests of this process share; `None` as for [`Self::start`]. It ends when the process does.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::start);
        SHARED.as_ref()
    }

    /// The URL of a database of its own under this name, which is made when it is first asked for.
    pub(crate) fn database(&self, name: &str) -> String {
        static MADE: LazyLock<Mutex<HashMap<(u16, String), String>>> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = made.len();
        let database = made.entry((self.port, name.to_owned())).or_insert_with(|| {
            self.sql(&format!("CREATE DATABASE test{number}"));
            format!("test{number}")
        });
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its TCP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How it is reached, in libpq's form: as a role that may do everything, in the database `postgres`.
    pub(crate) fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user={ROLE} password={PASSWORD} dbname=postgres", self.port)
    }

    /// Carries out statements; what they answer, a line for each row with `|` between columns.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = self
            .program("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statements, &self.connection()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Where the server's files are.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Gives a file to whom the server runs as.
    pub(crate) fn own(&self, file: &Path) {
        if let Some((user, group)) = self.owner {
            chown(file, Some(user), Some(group)).unwrap();
        }
    }

    /// Stops the server at once, as a crash does. Its data stays.
    pub(crate) fn stop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // While it is open, the shell knows that somebody is still there to remove the data.
        let _input = server.stdin.take();
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-D"]).arg(self.data());
        // Where that cannot be said to it, it is killed; a test that ends has no use for an error.
        if !stop.stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
            let _ = server.kill();
        }
        let _ = server.wait();
    }

    /// Starts the server, again after [`Self::stop`] and on the same port; answers when it takes connections.
    pub(crate) fn resume(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            if self.port == 0 {
                self.port = free_port();
            }
            if self.server.is_none() {
                self.launch();
            }
            let has_ended = self.server.as_mut().is_none_or(|server| server.try_wait().unwrap().is_some());
            if has_ended {
                // Somebody else has taken the port in between.
                self.server = None;
                if !self.is_known {
                    self.port = 0;
                }
            } else if self.takes_connections() {
                self.is_known = true;
                return;
            }
            assert!(Instant::now() < until, "PostgreSQL does not start: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn initialise(&self) {
        let word = self.dir.path().join("password");
        fs::write(&word, PASSWORD).unwrap();
        self.own(&word);
        let output = self
            .program("initdb")
            .args([
                "--no-sync",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "-U",
                ROLE,
                "--pwfile",
            ])
            .arg(word)
            .arg("-D")
            .arg(self.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn launch(&mut self) {
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        // The shell ends the server when this process is gone, of which it learns by the end of its input, and removes what nobody
        // else will: a server that tests share is never dropped.
        let watched = r#"exec 3<&0; "$@" 3<&- & server=$!
            (read -r _ <&3; kill -QUIT $server) 2>/dev/null & watch=$!
            wait $server; kill $watch 2>/dev/null; wait $watch && rm -rf "$PWD""#;
        let server = self
            .program_of("sh")
            .args(["-c", watched, "sh"])
            .arg(self.programs.join("postgres"))
            .args(["-c", "listen_addresses=127.0.0.1", "-p", &self.port.to_string()])
            .args(&self.options)
            .arg("-k")
            .arg(self.dir.path())
            .arg("-D")
            .arg(self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.server = Some(server.unwrap());
    }

    fn takes_connections(&self) -> bool {
        let mut ready = self.program("pg_isready");
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ready.status().is_ok_and(|status| status.success())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn program(&self, name: &str) -> Command {
        self.program_of(self.programs.join(name))
    }

    fn program_of(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env_remove("PGHOST").env_remove("PGDATA");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listens on. Below those that the system gives to outgoing connections, so that it is still free when a server
/// that was stopped starts again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let id = u16::try_from(std::process::id() % 2_000).unwrap_or_default();
    loop {
        let port = 10_000 + (id.wrapping_mul(17).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % 2_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The directory of PostgreSQL's programs: the newest of Debian's, or one on the path.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    let version = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    found.sort_by_key(|bin| std::cmp::Reverse(version(bin)));
    found.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    found.into_iter().find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}

/// Whom the server runs as where this runs as root: `postgres`, or else nobody.
fn owner(ours: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if fs::metadata(ours).unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = users.lines().find(|line| line.starts_with("postgres:"));
    let mut ids = user.unwrap_or("nobody:x:65534:65534").split(':').skip(2).map_while(|id| id.parse().ok());
    Some((ids.next()?, ids.next()?))
}
