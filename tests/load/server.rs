//! Servers under load, and what the system says they use.

use std::{
    env, fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::{
    process::{Process, free_address},
    usage,
};

/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Server {
    /// Where it takes sockets.
    pub(crate) sockets: SocketAddr,
    /// Where it takes gRPC calls; unused by the bare broadcast.
    pub(crate) grpc: SocketAddr,
    /// What it stores.
    pub(crate) data: TempDir,
    process: Process,
}

impl Server {
    /// Causeway, all parts in one process on the embedded store, without a limit on frames.
    pub(crate) async fn causeway() -> Self {
        Self::with("", directory()).await
    }

    /// The same with lines of a configuration file, on what another may have left behind.
    pub(crate) async fn with(settings: &str, data: TempDir) -> Self {
        Self::listening(settings, data, free_address()).await
    }

    /// The same, with its plugins at an address.
    pub(crate) async fn listening(settings: &str, data: TempDir, plugins: SocketAddr) -> Self {
        let (sockets, grpc, admin) = (free_address(), free_address(), free_address());
        fs::write(data.path().join("causeway.toml"), settings).expect("the directory is writable");
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command
            .arg("up")
            .arg("--data-dir")
            .arg(data.path().join("data"))
            .args(["--listen", &sockets.to_string()])
            .args(["--grpc", &grpc.to_string()])
            .args(["--admin", &admin.to_string()])
            .env("CAUSEWAY_BRIDGE__RATE__FRAMES_PER_SECOND", "0")
            .env("CAUSEWAY_PLUGINS__LISTEN", plugins.to_string())
            .current_dir(data.path());
        let mut server = Self { sockets, grpc, process: Process::start(command, data.path()), data };
        server.wait("/readyz").await;
        server
    }

    /// The bare broadcast.
    pub(crate) async fn reference() -> Self {
        let (sockets, grpc) = (free_address(), free_address());
        let data = directory();
        let mut command = Command::new(env::current_exe().expect("this program has a path"));
        command.args(["reference", &sockets.to_string()]);
        let mut server = Self { sockets, grpc, process: Process::start(command, data.path()), data };
        server.wait("/").await;
        server
    }

    /// Waits until it answers on a path with anything but a server's error.
    async fn wait(&mut self, path: &str) {
        let deadline = Instant::now() + STARTING;
        while !answers(self.sockets, path).await {
            let ended = self.process.ended();
            let waits = ended.is_none() && Instant::now() < deadline;
            assert!(waits, "it does not start ({ended:?}):\n{}", self.process.printed());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Seconds of processor time used so far, in user and in system mode.
    pub(crate) fn cpu(&self) -> f64 {
        usage::cpu(self.process.id())
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> f64 {
        usage::resident(self.process.id())
    }

    /// Kills it (SIGKILL); what it has stored stays.
    pub(crate) fn kill(mut self) -> TempDir {
        self.process.kill();
        self.data
    }

    /// Stops it in order, when nobody else looks at it any more.
    pub(crate) async fn stop_shared(server: Arc<Self>) {
        if let Some(server) = Arc::into_inner(server) {
            server.stop().await;
        }
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        self.process.terminate();
        self.process.terminate();
        self.process.exit().await;
    }
}

/// An empty directory for a server.
pub(crate) fn directory() -> TempDir {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::Builder::new().prefix("causeway-").tempdir_in(home).expect("the target directory is writable")
}

/// Whether something answers on a path with anything but a server's error.
pub(crate) async fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let written = stream.write_all(request.as_bytes()).await;
    // The bare broadcast drops what is no handshake; to have accepted it is answer enough.
    let read = stream.read_to_string(&mut answer).await;
    written.is_ok() && (read.is_err() || !answer.starts_with("HTTP/1.1 5"))
}
