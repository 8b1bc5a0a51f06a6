//! One bridge's stream: its reports go to the keeper in batches of what has arrived, and how many were
//! applied comes back.

use causeway_kit::Error;
use causeway_proto::presence::{AttachRequest, AttachResponse, SessionOpened, attach_request::Message};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    field,
    keeper::Keeper,
    ledger::{Report, Stream as Attached},
};

/// Reports that go to the keeper at once.
const BATCH: usize = 256;
/// Responses that wait for the bridge to read them. When it does not, its reports wait too.
const RESPONSES: usize = 8;

/// What the bridge reads.
pub(crate) type Responses = mpsc::Receiver<Result<AttachResponse, Status>>;

/// A stream that is served.
pub(crate) struct Attachment {
    keeper: Keeper,
    responses: mpsc::Sender<Result<AttachResponse, Status>>,
    stop: CancellationToken,
}

/// What arrived together: reports, and why nothing follows them, when nothing does.
struct Batch {
    reports: Vec<Report>,
    end: Option<Result<(), Error>>,
}

impl Attachment {
    /// A stream to serve, and what its bridge reads.
    pub(crate) fn new(keeper: Keeper, stop: CancellationToken) -> (Self, Responses) {
        let (responses, read) = mpsc::channel(RESPONSES);
        (Self { keeper, responses, stop }, read)
    }

    /// Serves the stream until either side ends it.
    pub(crate) async fn run(self, requests: impl Stream<Item = Result<AttachRequest, Status>> + Unpin) {
        let mut batches = requests.ready_chunks(BATCH);
        let mut attached = None;
        let ended = tokio::select! {
            () = self.stop.cancelled() => Err(Error::Stopping),
            () = self.responses.closed() => Ok(()),
            ended = self.serve(&mut batches, &mut attached) => ended,
        };
        if let Some(attached) = attached {
            self.keeper.lose(attached).await;
        }
        if let Err(error) = ended {
            // A bridge that reads nothing misses the reason as well.
            let _ = self.responses.try_send(Err(error.into()));
        }
    }

    async fn serve(
        &self,
        batches: &mut (impl Stream<Item = Vec<Result<AttachRequest, Status>>> + Unpin),
        attached: &mut Option<Attached>,
    ) -> Result<(), Error> {
        let mut applied = 0;
        while let Some(requests) = batches.next().await {
            let mut requests = requests.into_iter();
            let stream = match attached {
                Some(stream) => stream,
                None => {
                    let Some(Ok(first)) = requests.next() else { return Ok(()) };
                    attached.insert(self.keeper.attach(bridge_id(first)?).await?)
                }
            };
            let Batch { reports, end } = Batch::read(requests);
            if !reports.is_empty() {
                applied += reports.iter().filter(|report| is_session(report)).count() as u64;
                self.keeper.report(stream.clone(), reports).await?;
                if self.responses.send(Ok(AttachResponse { applied })).await.is_err() {
                    return Ok(());
                }
            }
            if let Some(end) = end {
                return end;
            }
        }
        Ok(())
    }
}

impl Batch {
    /// What precedes a wrong report is applied. A connection that breaks is an end like any other.
    fn read(requests: impl Iterator<Item = Result<AttachRequest, Status>>) -> Self {
        let mut reports = Vec::new();
        for request in requests {
            match request.map(report) {
                Ok(Ok(report)) => reports.push(report),
                Ok(Err(wrong)) => return Self { reports, end: Some(Err(wrong)) },
                Err(_broken) => return Self { reports, end: Some(Ok(())) },
            }
        }
        Self { reports, end: None }
    }
}

fn bridge_id(first: AttachRequest) -> Result<String, Error> {
    let Some(Message::Hello(hello)) = first.message else {
        return Err(Error::invalid("hello", "must be the first message"));
    };
    field::key("hello.bridge_id", &hello.bridge_id)?;
    Ok(hello.bridge_id)
}

fn report(request: AttachRequest) -> Result<Report, Error> {
    match request.message {
        Some(Message::Opened(opened)) => Ok(Report::Opened(session(opened)?)),
        Some(Message::Closed(closed)) => {
            field::key("closed.session_id", &closed.session_id)?;
            Ok(Report::Closed(closed))
        }
        Some(Message::Synced(_)) => Ok(Report::Synced),
        Some(Message::Hello(_)) => Err(Error::invalid("hello", "must be the first message only")),
        None => Err(Error::invalid("message", "must be one that this version knows")),
    }
}

fn session(opened: SessionOpened) -> Result<SessionOpened, Error> {
    field::key("opened.session_id", &opened.session_id)?;
    let conversation_id = match opened.conversation_id.as_str() {
        "" => String::new(),
        given => field::id("opened.conversation_id", given)?,
    };
    Ok(SessionOpened {
        session_id: opened.session_id,
        user_id: field::id("opened.user_id", &opened.user_id)?,
        display_name: field::name(opened.display_name),
        conversation_id,
    })
}

fn is_session(report: &Report) -> bool {
    match report {
        Report::Opened(_) | Report::Closed(_) => true,
        Report::Synced => false,
    }
}
