//! `causeway.plugin.v1.PluginHost`: one door for the plugins of all services of a process.

use std::sync::Arc;

use causeway_proto::plugin::{AttachRequest, AttachResponse, plugin_host_server::PluginHost};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Host, hello};

/// The door. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Door {
    hosts: Arc<[Host]>,
}

impl Door {
    pub(crate) fn new(hosts: Vec<Host>) -> Self {
        Self { hosts: hosts.into() }
    }
}

#[tonic::async_trait]
impl PluginHost for Door {
    type AttachStream = ReceiverStream<Result<AttachResponse, Status>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let (metadata, _, mut requests) = request.into_parts();
        let (host, greeting) = hello::greet(&self.hosts, &metadata, &mut requests).await?;
        let answers = host.attach(greeting, requests).await?;
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}
