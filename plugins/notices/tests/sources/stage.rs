//! The plugin, running for one test.

use std::time::Duration;

use causeway_notices::{Notices, Settings};
use causeway_plugin_sdk::{
    CancellationToken, Runtime, RuntimeOptions,
    proto::plugin::{AccountReport, AccountState, InboundEvent, Malformed, Notice, inbound_event::Body},
    testing::HostStandIn,
};
use tokio::net::TcpListener;

/// How long nothing comes before a test believes it.
const SILENCE: Duration = Duration::from_millis(300);

/// The plugin and its host. The plugin ends with it.
pub(crate) struct Stage {
    pub(crate) host: HostStandIn,
    /// Where the plugins' listener is.
    pub(crate) url: String,
    stop: CancellationToken,
}

impl Stage {
    pub(crate) async fn with(settings: Settings) -> Self {
        // For the tests' own clients, where no feed has done it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let (host, grpc) = HostStandIn::start();
        let options = RuntimeOptions { listener: Some(listener), ..RuntimeOptions::default() };
        let mut runtime = Runtime::new(options, stop.clone());
        runtime.add(Notices::new(&settings).unwrap(), grpc);
        tokio::spawn(runtime.run());
        Self { host, url, stop }
    }

    /// The next event, which is a notice.
    pub(crate) async fn notice(&self) -> Notice {
        match self.host.next_event().await.body {
            Some(Body::Notice(notice)) => notice,
            other => panic!("{other:?}"),
        }
    }

    /// The messages of the next notices: with the default templates, the titles that the source gave them.
    pub(crate) async fn messages<const N: usize>(&self) -> [String; N] {
        let mut messages = [const { String::new() }; N];
        for message in &mut messages {
            *message = self.notice().await.message;
        }
        messages
    }

    /// The next event, which is something that cannot be read.
    pub(crate) async fn malformed(&self) -> (InboundEvent, Malformed) {
        let mut event = self.host.next_event().await;
        match event.body.take() {
            Some(Body::Malformed(malformed)) => (event, malformed),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn nothing_comes(&self) {
        let event = self.host.event_within(SILENCE).await;
        assert!(event.is_none(), "{event:?}");
    }

    /// Waits until an account is in that state.
    pub(crate) async fn account(&self, name: &str, state: AccountState) -> AccountReport {
        self.host.account_when(name, |report| report.state() == state).await
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
