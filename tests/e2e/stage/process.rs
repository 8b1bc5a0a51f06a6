//! A program under test: started, listened to, stopped. It never outlives the tests, however they end.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to stop before it is killed and the test fails.
const STOPPING: Duration = Duration::from_secs(20);

/// A running program and all that it has printed.
pub(crate) struct Process {
    child: Child,
    /// Kills the program and takes its data away once our end of its pipe closes, which the system does for us.
    watchdog: Child,
    printed: Arc<Mutex<String>>,
    listeners: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a program whose data is under `data`.
    pub(crate) fn start(mut command: Command, data: &Path) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let watchdog = Command::new("sh")
            .args(["-c", r#"read -r _; kill -9 "$0" 2>/dev/null; rm -rf "$1""#])
            .arg(child.id().to_string())
            .arg(data)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            // A signal to the tests' process group must not reach it.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let printed = Arc::default();
        let listeners = vec![
            listen(child.stdout.take().expect("a pipe"), &printed),
            listen(child.stderr.take().expect("a pipe"), &printed),
        ];
        Self { child, watchdog, printed, listeners }
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything on standard output and standard error so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().expect("no poison").clone()
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to read its configuration again (SIGHUP).
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process has a number"), signal);
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it has ended by itself, and all that it printed is there.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + STOPPING;
        loop {
            if let Some(status) = self.ended() {
                self.listeners.drain(..).for_each(|listener| listener.join().expect("it only reads"));
                return status;
            }
            assert!(Instant::now() < deadline, "it does not stop; it printed:\n{}", self.printed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        self.kill();
    }
}

fn listen(mut pipe: impl Read + Send + 'static, printed: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let printed = Arc::clone(printed);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            printed.lock().expect("no poison").push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    })
}

/// An address that nobody listens on. The port is below those that the system gives to outgoing connections, so that it
/// is still free when the program binds it.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 400).expect("a remainder") * 25;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
