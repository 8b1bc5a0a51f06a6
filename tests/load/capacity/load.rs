//! What people do.

/// Sockets, and what goes over them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Open sockets.
    pub(crate) sockets: f64,
    /// Topics that each of them wants: its conversation and its user's own.
    pub(crate) topics: f64,
    /// Sockets that are open on a conversation at the same time.
    pub(crate) size: f64,
    /// Seconds between two messages of one socket.
    pub(crate) interval: f64,
    /// Seconds that a socket stays, after which it comes back.
    pub(crate) stay: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self { sockets: 1e3, topics: 2.0, size: 10.0, interval: 300.0, stay: 600.0 }
    }
}

impl Load {
    /// Sets what an option is for. Fails when there is no such option.
    pub(super) fn set(&mut self, option: &str, value: f64) -> Result<(), String> {
        *match option {
            "--sockets" => &mut self.sockets,
            "--topics" => &mut self.topics,
            "--size" => &mut self.size,
            "--interval" => &mut self.interval,
            "--stay" => &mut self.stay,
            unknown => {
                return Err(format!("{unknown} is none of --sockets, --topics, --size, --interval, --stay"));
            }
        } = value;
        Ok(())
    }

    /// Messages a second.
    pub(super) fn messages(&self) -> f64 {
        self.sockets / self.interval
    }

    /// Frames a second to sockets.
    pub(super) fn deliveries(&self) -> f64 {
        self.messages() * self.size
    }

    /// Sockets that come, a second.
    pub(super) fn comings(&self) -> f64 {
        self.sockets / self.stay
    }

    /// How many of so many processes have a socket of a conversation, where its sockets are spread at random.
    pub(super) fn spread(&self, processes: f64) -> f64 {
        processes * (1.0 - (1.0 - 1.0 / processes).powf(self.size))
    }
}
