//! The log of a run: all that the parts say, in order, with the simulated time. Two runs of a seed have the same, to the letter.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex},
};

use sha2::{Digest, Sha256};
use tracing_subscriber::{
    EnvFilter,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
};

/// What is written down. Of the HTTP/2 library it is much, and says nothing that the rest does not.
const LEVELS: &str = "debug,h2=info,hyper=info,hyper_util=info,tower=info,turmoil=info,tungstenite=info,tokio_tungstenite=info";
/// All that crosses the network, too.
const WIRE: &str = "debug,h2=info,hyper=info,turmoil=trace";

/// A log. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<u8>>>);

impl Journal {
    /// From now on everything goes there; with the wire, also all that crosses the network.
    pub(crate) fn start(with_wire: bool) -> Self {
        let journal = Self::default();
        let levels = if with_wire { WIRE } else { LEVELS };
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(levels))
            .with_timer(SimulatedTime)
            .with_ansi(false)
            .with_writer(journal.clone())
            .init();
        journal
    }

    /// The digest of all that is written so far.
    pub(crate) fn digest(&self) -> String {
        let digest = hex::encode(Sha256::digest(&*self.0.lock().expect("no poison")));
        digest[..16].to_owned()
    }

    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &*self.0.lock().expect("no poison"))
    }
}

impl io::Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no poison").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Journal {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

struct SimulatedTime;

impl FormatTime for SimulatedTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        match turmoil::sim_elapsed() {
            Some(elapsed) => write!(writer, "{:>9.3}", elapsed.as_secs_f64()),
            None => write!(writer, "{:>9}", "-"),
        }
    }
}
