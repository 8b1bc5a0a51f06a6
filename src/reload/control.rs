//! How `causeway reload` reaches a process: a Unix socket in the data directory, `run/<name>.<pid>.sock`. The directory is its
//! owner's alone, so whoever can connect may.
//!
//! The caller says `reload` in a line; the answer is a line of JSON, [`Reloaded`] in `ok` or a text in `error`.

use std::{
    fs, io,
    os::{fd::AsRawFd, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Reloaded, Reloads, carry_out};

/// The longest path of a Unix socket (unix(7)), with its zero.
const LONGEST_PATH: usize = 108;
/// The longest question and the longest answer, in bytes.
const LONGEST_LINE: u64 = 1 << 20;
/// How long a caller may take to ask, and a process to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const QUESTION: &str = "reload\n";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Reloaded),
    Error(String),
}

/// The socket of this process. It is taken away when it is dropped.
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens in a data directory under the name of a process.
    pub(crate) fn listen(data_dir: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = data_dir.join("run");
        let path = folder.join(format!("{name}.{}.sock", std::process::id()));
        let listen = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            sweep(&folder);
            // A process of the same number may have left it behind.
            let _ = fs::remove_file(&path);
            within_reach(&path, |path| UnixListener::bind(path))
        };
        let listener = listen().with_context(|| format!("cannot listen on {}", path.display()))?;
        Ok(Self { listener, path })
    }

    /// Answers until `stop`, one caller after another.
    pub(crate) async fn serve(self, reloads: Arc<Reloads>, stop: CancellationToken) {
        while let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, _)) => {
                    // A caller that hangs up concerns nobody.
                    let _ = timeout(PATIENCE, answer(stream, &reloads)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, reloads: &Arc<Reloads>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut asked = String::new();
    BufReader::new(read.take(QUESTION.len() as u64)).read_line(&mut asked).await?;
    let answer = if asked == QUESTION {
        carry_out(reloads).await.map_or_else(|error| Answer::Error(format!("{error:#}")), Answer::Ok)
    } else {
        Answer::Error("it only understands `reload`".to_owned())
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// A process that can be asked.
#[derive(Debug)]
pub(crate) struct Running {
    /// What it runs, for example `bridge`.
    pub(crate) name: String,
    /// Its number.
    pub(crate) pid: u32,
    stream: UnixStream,
}

/// The processes of a data directory, by name and number. What dead ones left behind is taken away.
pub(crate) async fn running(data_dir: &Path) -> io::Result<Vec<Running>> {
    let mut found = Vec::new();
    let files = match fs::read_dir(data_dir.join("run")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        files => files?,
    };
    for file in files {
        let path = file?.path();
        let Some((name, pid)) = name_of(&path) else { continue };
        match connect(&path).await {
            Ok(stream) => found.push(Running { name, pid, stream }),
            Err(error) if is_nobody(&error) => forget(&path, pid),
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|left, right| (&left.name, left.pid).cmp(&(&right.name, right.pid)));
    Ok(found)
}

impl Running {
    /// Has it read its configuration again. Fails with its reason when it does not.
    pub(crate) async fn reload(mut self) -> anyhow::Result<Reloaded> {
        let ask = async {
            self.stream.write_all(QUESTION.as_bytes()).await?;
            let mut line = String::new();
            BufReader::new(self.stream.take(LONGEST_LINE)).read_line(&mut line).await?;
            io::Result::Ok(line)
        };
        let line =
            timeout(PATIENCE, ask).await.context("it does not answer")?.context("it cannot be asked")?;
        match serde_json::from_str(&line) {
            Ok(Answer::Ok(reloaded)) => Ok(reloaded),
            Ok(Answer::Error(why)) => bail!(why),
            Err(_) => bail!("it ended before it answered"),
        }
    }
}

/// `run/bridge.4711.sock` is the bridge with the number 4711.
fn name_of(path: &Path) -> Option<(String, u32)> {
    let (name, pid) = path.file_name()?.to_str()?.strip_suffix(".sock")?.rsplit_once('.')?;
    Some((name.to_owned(), pid.parse().ok()?))
}

/// Takes away what processes left behind that were killed.
fn sweep(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = file.path();
        if let Some((_, pid)) = name_of(&path)
            && knock(&path).is_err_and(|error| is_nobody(&error))
        {
            forget(&path, pid);
        }
    }
}

/// Nobody listens there, or not yet.
fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

/// Takes a socket away unless its process lives: then it is only about to listen.
fn forget(path: &Path, pid: u32) {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if process.is_none_or(|process| test_kill_process(process) == Err(Errno::SRCH)) {
        let _ = fs::remove_file(path);
    }
}

fn knock(path: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    within_reach(path, |path| std::os::unix::net::UnixStream::connect(path))
}

async fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = knock(path)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// A path that is too long for a socket is reached by its folder's descriptor.
fn within_reach<T>(path: &Path, reach: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if path.as_os_str().len() >= LONGEST_PATH => {
            let folder = fs::File::open(folder)?;
            reach(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
        }
        _ => reach(path),
    }
}
