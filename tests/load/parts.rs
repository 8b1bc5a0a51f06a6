//! Several processes of each part, as `config/deploy` has them, and what they share: a PostgreSQL whose commits are on the disk, a
//! Redis, and a directory with the keys.

use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    metrics::Reading,
    process::{Process, free_address},
    scene::Scene,
    server::{answers, directory},
    stand_ins::{postgres::Postgres, redis::Redis},
    usage,
};

/// How long all of them may take to start.
const STARTING: Duration = Duration::from_secs(60);

/// How many there are of what, and whom each bridge knows.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) bridges: usize,
    pub(crate) chats: usize,
    pub(crate) routes: Routes,
}

/// Which chat processes a bridge is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routes {
    /// All of them, as deployed: each call and each stream goes to the less busy of two.
    Balanced,
    /// The one with its own number, counted round, so that it is known what goes where.
    Own,
}

/// The running processes.
pub(crate) struct Parts {
    pub(crate) bridges: Vec<Part>,
    pub(crate) chats: Vec<Part>,
    others: Vec<Part>,
    postgres: Postgres,
    redis: Redis,
    data: TempDir,
}

/// One of them.
pub(crate) struct Part {
    /// Where it takes sockets, or calls.
    pub(crate) at: SocketAddr,
    admin: SocketAddr,
    process: Process,
}

/// What all processes of Causeway are told.
struct Setting<'s> {
    data: &'s TempDir,
    environment: Vec<(String, String)>,
}

impl Parts {
    /// Starts all; answers when each bridge is ready.
    pub(crate) async fn start(shape: Shape) -> Self {
        let postgres = Postgres::start_with(&["min_wal_size=512MB"]).expect("PostgreSQL is installed");
        season(&postgres);
        let redis = Redis::start().expect("Redis is installed");
        let data = directory();
        let ([notification, presence], chats) =
            ([free_address(), free_address()], (0..shape.chats).map(|_| free_address()).collect::<Vec<_>>());
        let environment = [
            ("CAUSEWAY_STORE__URL", postgres.database("causeway")),
            ("CAUSEWAY_REDIS__URL", redis.url()),
            ("CAUSEWAY_SERVICES__CHAT__URL", urls(&chats)),
            ("CAUSEWAY_SERVICES__NOTIFICATION__URL", urls(&[notification])),
            ("CAUSEWAY_SERVICES__PRESENCE__URL", urls(&[presence])),
            ("CAUSEWAY_BRIDGE__RATE__FRAMES_PER_SECOND", "0".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let setting = Setting { data: &data, environment };
        let others = vec![setting.launch("presence", presence), setting.launch("notification", notification)];
        let bridge = |number: usize| {
            let known = match shape.routes {
                Routes::Balanced => urls(&chats),
                Routes::Own => urls(&[chats[number % chats.len()]]),
            };
            setting.launch_with("bridge", free_address(), &[("CAUSEWAY_SERVICES__CHAT__URL", known)])
        };
        let chats = chats.iter().map(|at| setting.launch("chat", *at)).collect();
        let mut parts =
            Self { bridges: (0..shape.bridges).map(bridge).collect(), chats, others, postgres, redis, data };
        parts.wait().await;
        parts
    }

    async fn wait(&mut self) {
        let deadline = Instant::now() + STARTING;
        loop {
            let mut ready = true;
            for bridge in &self.bridges {
                ready &= answers(bridge.at, "/readyz").await;
            }
            if ready {
                return;
            }
            for part in self.bridges.iter_mut().chain(&mut self.chats).chain(&mut self.others) {
                let is_in_time = part.process.ended().is_none() && Instant::now() < deadline;
                assert!(is_in_time, "it does not start:\n{}", part.process.printed());
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// People and rooms here.
    pub(crate) fn scene(&self) -> Scene {
        Scene::at(self.chats[0].at, &self.data.path().join("data"))
    }

    /// Seconds of processor time that our own processes have used so far.
    pub(crate) fn cpu(&self) -> f64 {
        self.bridges.iter().chain(&self.chats).chain(&self.others).map(Part::cpu).sum()
    }

    /// The same of PostgreSQL, and of Redis.
    pub(crate) fn cpu_of_servers(&self) -> [f64; 2] {
        [usage::cpu_of_family(self.postgres_process()), usage::cpu(self.redis_process())]
    }

    /// PostgreSQL's first process.
    pub(crate) fn postgres_process(&self) -> u32 {
        let file = std::fs::read_to_string(self.postgres.data().join("postmaster.pid"));
        let file = file.expect("it runs");
        file.lines().next().and_then(|line| line.parse().ok()).expect("a number in the first line")
    }

    /// Redis's process.
    pub(crate) fn redis_process(&self) -> u32 {
        u32::try_from(self.redis.info("process_id")).expect("a process has a number")
    }

    /// The processes of the two other services.
    pub(crate) fn presence_and_notification(&self) -> [&[Part]; 2] {
        [&self.others[..1], &self.others[1..]]
    }

    /// KiB that Redis has for what it keeps and for those who are connected.
    pub(crate) fn redis_memory(&self) -> f64 {
        self.redis.info("used_memory") as f64 / 1_024.0
    }

    /// PostgreSQL, to be asked.
    pub(crate) fn postgres(&self) -> &Postgres {
        &self.postgres
    }
}

/// Gives a new server what one has that has run for a while: segments of its WAL to use again. To make one holds up a commit for
/// 50 ms.
fn season(postgres: &Postgres) {
    postgres
        .sql("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal() FROM generate_series(1, 24)");
    postgres.sql("CHECKPOINT");
}

impl Part {
    /// Seconds of processor time used so far.
    pub(crate) fn cpu(&self) -> f64 {
        usage::cpu(self.process.id())
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its metrics as they are now.
    pub(crate) async fn metrics(&self) -> Reading {
        Reading::of(self.admin).await
    }

    /// Kills it (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }
}

impl Setting<'_> {
    fn launch(&self, name: &str, at: SocketAddr) -> Part {
        self.launch_with(name, at, &[])
    }

    fn launch_with(&self, name: &str, at: SocketAddr, more: &[(&str, String)]) -> Part {
        let admin = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command
            .arg(name)
            .arg("--data-dir")
            .arg(self.data.path().join("data"))
            .args(["--listen", &at.to_string()])
            // There are more processes than processors: two threads of each would only take them from one another.
            .env("TOKIO_WORKER_THREADS", "1")
            .args(["--admin", &admin.to_string()])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(more.iter().map(|(name, value)| (name, value)))
            .current_dir(self.data.path());
        Part { at, admin, process: Process::start(command, self.data.path()) }
    }
}

fn urls(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|at| format!("http://{at}")).collect::<Vec<_>>().join(",")
}
