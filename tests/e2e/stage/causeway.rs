//! The product as a test sees it: real processes of the real program on a directory of their own.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    sync::Mutex,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{
    client::PATIENCE,
    http,
    process::Process,
    replicas::{self, Replicas},
    setup::{Addresses, Layout, PARTS, Setup},
};

/// The name of the only process where all parts run in one.
pub(crate) const UP: &str = "up";
/// How long a first start may take: migrations of every store, in a debug build on a busy machine.
const STARTING: Duration = Duration::from_secs(40);
/// How much of what the processes printed a failing test shows, in bytes.
const TAIL: usize = 6_000;

/// A running Causeway.
pub(crate) struct Causeway {
    /// Where it listens.
    pub(crate) at: Addresses,
    home: TempDir,
    setup: Setup,
    replicas: Option<Replicas>,
    processes: BTreeMap<&'static str, Process>,
    past: String,
    tokens: Mutex<HashMap<String, String>>,
}

impl Causeway {
    /// One process on the default settings.
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    /// The one that all tests share who need nothing but the default settings.
    pub(crate) async fn shared() -> Guest {
        static SHARED: OnceCell<Causeway> = OnceCell::const_new();
        let layout = match std::env::var("E2E_LAYOUT").as_deref() {
            Ok("split") => Layout::Split,
            Ok("replicas") => Layout::Replicas,
            Ok(other) => panic!("E2E_LAYOUT is {other}: it can be split or replicas"),
            Err(_) => Layout::One,
        };
        let setup = Setup { layout, ..Setup::default() };
        // A short heartbeat, so that a test need not wait half a minute for one.
        Guest(SHARED.get_or_init(|| setup.set("bridge.heartbeat", "2s").start()).await)
    }

    /// Everything but the processes.
    pub(super) fn prepare(setup: Setup) -> Self {
        let home = tempfile::Builder::new().prefix("causeway-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let home = home.expect("the target directory is writable");
        let at = Addresses::take(setup.layout, setup.is_encrypted);
        let replicas = (setup.layout == Layout::Replicas).then(|| Replicas::start(home.path(), &at));
        let mut setup = setup;
        setup.environment.extend(replicas.iter().flat_map(Replicas::environment));
        let file = at.file(&home.path().join("data"), replicas.as_ref(), &setup.file);
        fs::write(home.path().join("causeway.toml"), file).expect("the target directory is writable");
        Self {
            at,
            home,
            setup,
            replicas,
            processes: BTreeMap::new(),
            past: String::new(),
            tokens: Mutex::default(),
        }
    }

    pub(super) async fn ready(mut self) -> Self {
        self.start_again().await;
        self
    }

    /// Starts whatever is not running, on the data that is there, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        let parts = match self.setup.layout {
            Layout::One => vec![UP],
            Layout::Split => PARTS.iter().chain(&self.setup.plugins).copied().collect(),
            Layout::Replicas => replicas::PARTS.iter().chain(&self.setup.plugins).copied().collect(),
        };
        for part in parts {
            self.start_again_without_waiting(part);
        }
        let deadline = Instant::now() + STARTING;
        while !self.is_ready().await {
            for (part, process) in &mut self.processes {
                if let Some(status) = process.ended() {
                    panic!("causeway {part} ended with {status}:\n{}", process.printed());
                }
            }
            assert!(Instant::now() < deadline, "causeway is not ready:\n{}", self.printed());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// What is started from now on is started without a shell.
    pub(crate) fn lift_limits(&mut self) {
        self.setup.shell = None;
    }

    /// Starts a part unless it runs.
    pub(crate) fn start_again_without_waiting(&mut self, part: &'static str) {
        if !self.processes.contains_key(part) {
            let process = self.launch(part);
            self.processes.insert(part, process);
        }
    }

    /// A process of a part.
    fn launch(&self, part: &str) -> Process {
        if part == replicas::NGINX
            && let Some(replicas) = &self.replicas
        {
            return Process::start(replicas.nginx(self.home.path()), self.home.path());
        }
        let is_plugin = self.setup.plugins.contains(&part);
        let name = part.trim_end_matches(replicas::SECOND);
        let mut command = if is_plugin { self.command(&["plugin", part]) } else { self.command(&[name]) };
        if let Some(replicas) = &self.replicas
            && !is_plugin
        {
            command.args(replicas.flags(part));
        }
        if part == UP {
            let Addresses { bridge, chat, admin, .. } = self.at;
            command.args(["--listen", &bridge.to_string(), "--grpc", &chat.to_string()]);
            command.args(["--admin", &admin.to_string()]);
        }
        Process::start(command, self.home.path())
    }

    async fn is_ready(&self) -> bool {
        http::get(self.at.bridge, "/readyz", &[]).await.is_ok_and(|answer| answer.status == 200)
    }

    /// The program with some arguments, on this Causeway's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_causeway");
        let mut command = Command::new(if self.setup.shell.is_some() { "sh" } else { program });
        if let Some(commands) = self.setup.shell {
            command.arg("-c").arg(format!("{commands}; exec \"$0\" \"$@\"")).arg(program);
        }
        command.args(arguments).current_dir(self.home.path());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CAUSEWAY_")) {
            command.env_remove(name);
        }
        command.arg("--config").arg(self.home.path().join("causeway.toml"));
        command.arg("--data-dir").arg(self.data_dir());
        command.envs(self.setup.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        output.expect("it does not panic").expect("the program starts")
    }

    /// Runs the program, which must succeed, and returns its standard output.
    pub(crate) async fn run_well(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "causeway {arguments:?}: {}: {complaints}", output.status);
        printed
    }

    /// A token for a user, made by the command line and kept for the next time.
    pub(crate) async fn token(&self, user: &str) -> String {
        if let Some(token) = self.tokens.lock().expect("no poison").get(user) {
            return token.clone();
        }
        let token = self.new_token(user, &[]).await;
        self.tokens.lock().expect("no poison").insert(user.to_owned(), token.clone());
        token
    }

    /// A token made with more arguments, for example `["--ttl", "2s"]`.
    pub(crate) async fn new_token(&self, user: &str, arguments: &[&str]) -> String {
        let printed = self.run_well(&[&["token", "--user", user], arguments].concat()).await;
        printed.trim_end().to_owned()
    }

    /// The directory with everything that it stores.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The directory that it is started in.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Kills a part (SIGKILL).
    pub(crate) fn kill(&mut self, part: &str) {
        let mut process = self.processes.remove(part).expect("it runs");
        process.kill();
        self.past.push_str(&process.printed());
    }

    /// Asks a part to stop (SIGTERM) without waiting for it.
    pub(crate) fn terminate(&self, part: &str) {
        self.processes[part].terminate();
    }

    /// Asks a part to read its configuration again (SIGHUP).
    pub(crate) fn hang_up(&self, part: &str) {
        self.processes[part].hang_up();
    }

    /// Has other lines in the configuration file, for whoever reads it from now on.
    pub(crate) fn rewrite(&self, lines: &str) {
        let file = self.at.file(&self.data_dir(), self.replicas.as_ref(), lines);
        fs::write(self.home.path().join("causeway.toml"), file).expect("the target directory is writable");
    }

    /// Waits until a part has stopped.
    pub(crate) async fn exit(&mut self, part: &str) -> ExitStatus {
        let mut process = self.processes.remove(part).expect("it runs");
        let status = process.exit().await;
        self.past.push_str(&process.printed());
        status
    }

    /// Everything that all its processes ever printed.
    pub(crate) fn printed(&self) -> String {
        let now = self.processes.values().map(Process::printed);
        std::iter::once(self.past.clone()).chain(now).collect()
    }

    /// A page of the HTTP listener beside the WebSockets.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> http::Response {
        http::get(self.at.bridge, path, headers).await.expect("the bridge answers")
    }

    /// What the admin listener counts.
    pub(crate) async fn metrics(&self) -> String {
        http::get(self.at.admin, "/metrics", &[]).await.expect("the admin listener answers").body
    }

    fn tell(&self) {
        if std::thread::panicking() {
            let printed = self.printed();
            let start = printed.ceil_char_boundary(printed.len().saturating_sub(TAIL));
            eprintln!("--- the end of what causeway printed:\n{}\n---", &printed[start..]);
        }
    }
}

impl Drop for Causeway {
    fn drop(&mut self) {
        self.tell();
    }
}

/// A test's use of the shared Causeway.
pub(crate) struct Guest(&'static Causeway);

impl Deref for Guest {
    type Target = Causeway;

    fn deref(&self) -> &Causeway {
        self.0
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.tell();
    }
}

/// Waits until something is so, for as long as a test may take.
#[track_caller]
pub(crate) fn eventually<'a>(
    what: &'a str,
    mut is_so: impl AsyncFnMut() -> bool + 'a,
) -> impl Future<Output = ()> + 'a {
    let at = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(Instant::now() < deadline, "{at}: it never came true that {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
