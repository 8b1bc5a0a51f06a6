//! A connection to one node.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError, TlsCertificates,
    aio::{AsyncPushSender, MultiplexedConnection},
    io::tcp::TcpSettings,
};

use super::{Endpoint, address::Login};

/// Commands that may wait in a connection; a caller beyond that waits for room.
const QUEUE: usize = 1024;

/// How nodes are connected to: the same for all of them.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) tls: bool,
    /// A root certificate in PEM, instead of those of the system.
    pub(super) ca: Option<Arc<[u8]>>,
    pub(super) login: Login,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

impl Dial {
    /// The same without a login, for Sentinels: theirs is not that of the servers they watch.
    pub(super) fn anonymous(&self) -> Self {
        Self { login: Login::default(), ..self.clone() }
    }

    /// Connects to a node. What it sends without being asked, and that the connection broke, goes to `pushes`.
    pub(super) async fn open(
        &self,
        endpoint: &Endpoint,
        pushes: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout))
            .set_pipeline_buffer_size(QUEUE)
            .set_push_sender(pushes);
        self.client(endpoint)?.get_multiplexed_async_connection_with_config(&config).await
    }

    fn client(&self, endpoint: &Endpoint) -> Result<Client, RedisError> {
        let info = self.info(endpoint)?;
        if self.tls { Client::build_with_tls(info, self.certificates()) } else { Client::open(info) }
    }

    /// What the client library wants to know of a node.
    pub(super) fn info(&self, endpoint: &Endpoint) -> Result<ConnectionInfo, RedisError> {
        let Endpoint { host, port } = endpoint.clone();
        let address = match self.tls {
            true => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            false => ConnectionAddr::Tcp(host, port),
        };
        let mut login = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("causeway", env!("CARGO_PKG_VERSION"))
            .set_db(self.login.database);
        if let Some(user) = &self.login.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.login.password {
            login = login.set_password(password);
        }
        let tcp = TcpSettings::default().set_nodelay(true);
        Ok(address.into_connection_info()?.set_redis_settings(login).set_tcp_settings(tcp))
    }

    /// What TLS trusts.
    pub(super) fn certificates(&self) -> TlsCertificates {
        TlsCertificates { client_tls: None, root_cert: self.ca.as_ref().map(|ca| ca.to_vec()) }
    }
}
