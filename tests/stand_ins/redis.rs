//! A Redis of a test's own: the real server, on a free port of the loopback interface, in a directory that goes with it; alone,
//! as a cluster, or watched by Sentinels.
//!
//! A test crate takes it in as a module, by its path, with tempfile; each uses a part of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test crate uses a part of it, as unit tests or others"
)]

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take to start, and a cluster to agree.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server. It is stopped and removed when this is dropped.
pub(crate) struct Redis {
    port: u16,
    program: &'static str,
    arguments: Vec<String>,
    server: Option<Child>,
    dir: TempDir,
}

impl Redis {
    /// Starts a server that keeps nothing on the disk; answers when it takes commands. `None`, said on standard error, where Redis
    /// is not installed; a panic where CI is set.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same, with more options: pairs of name and value, as on the command line.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        is_installed("redis-server").then(|| {
            Self::launch("redis-server", |_| options.iter().map(|option| (*option).into()).collect())
        })
    }

    /// Starts a server on a port that is free; `options` are made for the directory that it starts in. Another test may be faster
    /// to take a port, so it is tried on others.
    fn launch(program: &'static str, options: impl Fn(&Path) -> Vec<String>) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            let dir = tempfile::tempdir().unwrap();
            let arguments = options(dir.path());
            let mut server = Self { port: free_port(), program, arguments, server: None, dir };
            if server.try_resume() {
                return server;
            }
            assert!(Instant::now() < until, "{program} does not start: {}", server.log());
        }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its TCP port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server, as `kill -9` does. What it had is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // One that has ended by itself is as good.
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    /// Stops the server where it stands (SIGSTOP): connections stay, and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Self::pause`].
    pub(crate) fn unpause(&self) {
        self.signal("-CONT");
    }

    /// Starts the server again after [`Self::kill`], on the same port; answers when it takes commands.
    pub(crate) fn resume(&mut self) {
        let until = Instant::now() + PATIENCE;
        while !self.try_resume() {
            assert!(Instant::now() < until, "{} does not start again: {}", self.program, self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// False when it ends at once, because somebody else has the port.
    fn try_resume(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        let mut command = Command::new(self.program);
        command.args(&self.arguments).args(["--port", &self.port.to_string()]).current_dir(self.dir.path());
        if self.program == "redis-server" {
            command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        }
        // It is asked for its own number, so that no other server's answer is taken for its own.
        self.server = Some(command.stdout(log).stderr(Stdio::null()).spawn().unwrap());
        let id = format!("process_id:{}", self.server.as_ref().unwrap().id());
        loop {
            if self.answer(&["info", "server"]).is_some_and(|info| info.lines().any(|line| line.trim() == id))
            {
                return true;
            }
            if self.server.as_mut().is_none_or(|server| server.try_wait().unwrap().is_some()) {
                self.server = None;
                return false;
            }
            assert!(Instant::now() < until, "{} does not answer: {}", self.program, self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Drops everything it has.
    pub(crate) fn flush(&self) {
        assert_eq!(self.command(&["flushall"]), "OK");
    }

    /// Carries out a command; what redis-cli prints.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.answer(words).unwrap_or_else(|| panic!("{words:?} was not answered"))
    }

    /// A number of `INFO`.
    pub(crate) fn info(&self, key: &str) -> u64 {
        let info = self.command(&["info", "all"]);
        let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {key} in INFO")).trim().parse().unwrap()
    }

    fn answer(&self, words: &[&str]) -> Option<String> {
        let output =
            Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        output.status.success().then_some(said)
    }

    fn signal(&self, signal: &str) {
        let id = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three nodes that share the slots.
pub(crate) struct Cluster {
    /// Primaries; each has a third of the slots.
    pub(crate) nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts the nodes; answers when all of them agree. `None` where Redis is not installed.
    pub(crate) fn start() -> Option<Self> {
        if !is_installed("redis-server") {
            return None;
        }
        let options = |_: &Path| {
            // The nodes talk to each other on another port, which must be free and below 65536, too.
            let bus = free_port().to_string();
            let cluster =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus];
            cluster.map(String::from).to_vec()
        };
        let nodes: Vec<_> = (0..3).map(|_| Redis::launch("redis-server", options)).collect();
        let mut create = Command::new("redis-cli");
        create
            .args(["--cluster", "create"])
            .args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let output = create.arg("--cluster-yes").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let cluster = Self { nodes };
        cluster.wait(|cluster| {
            cluster.nodes.iter().all(|node| node.command(&["cluster", "info"]).contains("cluster_state:ok"))
        });
        Some(cluster)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Moves a slot, with no keys in it, to another node.
    pub(crate) fn move_slot(&self, slot: u16, to: usize) {
        let (slot, id) = (slot.to_string(), self.nodes[to].command(&["cluster", "myid"]));
        // The new owner hears it first, as redis-cli does it.
        let order = (0..3).map(|at| (to + at) % 3);
        for node in order {
            assert_eq!(self.nodes[node].command(&["cluster", "setslot", &slot, "node", &id]), "OK");
        }
    }

    fn wait(&self, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "the cluster does not agree");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A primary, a replica and three Sentinels, which call the primary `main`.
pub(crate) struct Sentinels {
    /// The primary and its replica, in the order in which they were started.
    pub(crate) servers: Vec<Redis>,
    sentinels: Vec<Redis>,
}

impl Sentinels {
    /// Starts all of them; answers when the Sentinels know each other and the replica. `None` where something is not installed.
    pub(crate) fn start() -> Option<Self> {
        if !is_installed("redis-server") || !is_installed("redis-sentinel") {
            return None;
        }
        let primary = Redis::start()?;
        let port = primary.port.to_string();
        let replica =
            Redis::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"])?;
        let sentinels = (0..3).map(|_| sentinel(&port)).collect();
        let this = Self { servers: vec![primary, replica], sentinels };
        this.wait();
        Some(this)
    }

    /// Where they are.
    pub(crate) fn url(&self) -> String {
        let sentinels: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://{}/main", sentinels.join(","))
    }

    fn wait(&self) {
        let until = Instant::now() + PATIENCE;
        let knows_all = |sentinel: &Redis| {
            let known = sentinel.command(&["sentinel", "master", "main"]);
            let lines: Vec<_> = known.lines().collect();
            let value = |key: &str| lines.windows(2).find(|pair| pair[0] == key).map(|pair| pair[1]);
            value("num-slaves") == Some("1") && value("num-other-sentinels") == Some("2")
        };
        let is_in_step =
            |replica: &Redis| replica.command(&["info", "replication"]).contains("master_link_status:up");
        while !(self.sentinels.iter().all(knows_all) && is_in_step(&self.servers[1])) {
            assert!(Instant::now() < until, "the Sentinels do not agree");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn sentinel(primary: &str) -> Redis {
    Redis::launch("redis-sentinel", |dir| {
        let file = dir.join("sentinel.conf");
        let settings = format!(
            "bind 127.0.0.1\nsentinel monitor main 127.0.0.1 {primary} 2\nsentinel down-after-milliseconds main 1000\n\
             sentinel failover-timeout main 5000\n"
        );
        fs::write(&file, settings).unwrap();
        vec![file.to_str().unwrap().to_owned()]
    })
}

/// A port that nobody listens on. Below those that the system gives to outgoing connections, so that it is still free when a server
/// that was killed starts again.
fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let id = u16::try_from(std::process::id() % 10_000).unwrap_or_default();
        let port = 12_000 + (id.wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % 18_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn is_installed(program: &str) -> bool {
    let mut places =
        env::var_os("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<PathBuf>>());
    let is_there = places.any(|place| place.join(program).is_file());
    if !is_there {
        assert!(env::var_os("CI").is_none(), "{program} is not installed");
        eprintln!("left out: {program} is not installed");
    }
    is_there
}
