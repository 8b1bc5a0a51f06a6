//! One stream to the host, from Hello to its end.

use std::time::Duration;

use causeway_proto::{
    client::Grpc,
    plugin::{
        AttachRequest, AttachResponse, Welcome, attach_request, attach_response,
        plugin_host_client::PluginHostClient,
    },
};
use futures_util::FutureExt;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{attachment::Attachment, ending::Ending};

/// Messages that wait for the connection.
const OUTGOING: usize = 64;
/// How long a host may take to welcome the plugin.
const WELCOME: Duration = Duration::from_secs(30);
/// How long it may take to end a stream whose other side has ended.
const GOODBYE: Duration = Duration::from_secs(2);
/// A time that never comes.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// A stream whose host has said Welcome.
#[derive(Debug)]
pub(super) struct Stream {
    requests: mpsc::Sender<AttachRequest>,
    responses: Streaming<AttachResponse>,
    welcome: Welcome,
}

impl Stream {
    /// Attaches: says Hello and waits for Welcome.
    pub(super) async fn open(
        host: PluginHostClient<Grpc>,
        hello: attach_request::Message,
    ) -> Result<Self, Ending> {
        timeout(WELCOME, Self::greet(host, hello)).await.unwrap_or(Err(Ending::Lost))
    }

    async fn greet(mut host: PluginHostClient<Grpc>, hello: attach_request::Message) -> Result<Self, Ending> {
        let (requests, outgoing) = mpsc::channel(OUTGOING);
        requests.send(AttachRequest { message: Some(hello) }).await.map_err(|_| Ending::Lost)?;
        let response = host.attach(ReceiverStream::new(outgoing)).boxed().await;
        let mut responses = response.map_err(|status| Ending::Status(Box::new(status)))?.into_inner();
        match responses.message().await {
            Ok(Some(AttachResponse { message: Some(attach_response::Message::Welcome(welcome)) })) => {
                Ok(Self { requests, responses, welcome })
            }
            Ok(Some(_)) => Err(Ending::Breach("the host did not answer Hello with Welcome")),
            Ok(None) => Err(Ending::Lost),
            Err(status) => Err(Ending::Status(Box::new(status))),
        }
    }

    /// The host's id of it.
    pub(super) fn session(&self) -> &str {
        &self.welcome.session
    }

    /// Carries messages both ways until either side ends.
    pub(super) async fn run(self, attachment: &mut Attachment) -> Ending {
        let Self { requests, mut responses, welcome } = self;
        attachment.welcome(&welcome, Instant::now());
        let mut next = None;
        loop {
            let now = Instant::now();
            if let Some(ending) = attachment.is_over(now) {
                drop(requests);
                let last = hear_out(responses, attachment).await;
                return ending.or_rather(last);
            }
            write(&requests, &mut next, attachment, now);
            let wake = attachment.wake().unwrap_or(now + NEVER);
            tokio::select! {
                // When there is nothing to say, room to say it in is of no interest.
                room = requests.reserve(), if next.is_some() => match room {
                    Ok(room) => room.send(AttachRequest { message: next.take() }),
                    Err(_) => break,
                },
                response = responses.message() => match response {
                    Ok(Some(response)) => {
                        if let Err(ending) = attachment.hear(response.message, Instant::now()) {
                            return ending;
                        }
                    }
                    Ok(None) => return attachment.lost(),
                    Err(status) => return Ending::Status(Box::new(status)),
                },
                () = attachment.work() => {}
                () = sleep_until(wake) => {}
            }
        }
        // The connection takes no more, and what the host has said last tells why.
        hear_out(responses, attachment).await.unwrap_or(attachment.lost())
    }
}

/// Hands over all that there is to say and room for.
fn write(
    requests: &mpsc::Sender<AttachRequest>,
    next: &mut Option<attach_request::Message>,
    attachment: &mut Attachment,
    now: Instant,
) {
    loop {
        if next.is_none() {
            *next = attachment.next(now);
        }
        if next.is_none() {
            return;
        }
        match requests.try_reserve() {
            Ok(room) => room.send(AttachRequest { message: next.take() }),
            Err(_) => return,
        }
    }
}

/// Hears what the host still says on a stream whose other side has ended; why it ended its own. A host that does not is left.
async fn hear_out(mut responses: Streaming<AttachResponse>, attachment: &mut Attachment) -> Option<Ending> {
    let rest = async {
        loop {
            match responses.message().await {
                Ok(Some(response)) => {
                    if let Err(ending) = attachment.hear(response.message, Instant::now()) {
                        return Some(ending);
                    }
                }
                Ok(None) => return None,
                Err(status) => return Some(Ending::Status(Box::new(status))),
            }
        }
    };
    timeout(GOODBYE, rest).await.ok().flatten()
}
