//! The requests of a subscription, read and checked.

use std::{future, sync::Arc};

use causeway_proto::{
    event::{Source, SubscribeRequest, subscribe_request::Action},
    topic::Topic,
};
use futures_util::FutureExt;
use tonic::Streaming;

use crate::error::Error;

/// A topic of a service.
pub(super) type Key = (Source, Arc<str>);

/// What a subscriber asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// A topic, and the last sequence number that it has.
    Add(Key, Option<u64>),
    /// No more of a topic.
    Drop(Key),
}

/// The stream of requests. The subscriber may stop asking and go on listening.
pub(super) struct Requests {
    stream: Option<Streaming<SubscribeRequest>>,
    sources: Vec<Source>,
}

impl Requests {
    /// For a server that has the topics of `sources`.
    pub(super) fn new(stream: Streaming<SubscribeRequest>, sources: Vec<Source>) -> Self {
        Self { stream: Some(stream), sources }
    }

    /// The next request; fails when it makes no sense. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Ask, Error> {
        while let Some(stream) = &mut self.stream {
            match stream.message().await {
                Ok(Some(request)) => return self.check(request),
                Ok(None) => self.stream = None,
                Err(_) => return Err(Error::unavailable("the request stream broke")),
            }
        }
        future::pending().await
    }

    /// The next request, when it is here already.
    pub(super) fn ready(&mut self) -> Option<Result<Ask, Error>> {
        self.next().now_or_never()
    }

    fn check(&self, request: SubscribeRequest) -> Result<Ask, Error> {
        match request.action {
            Some(Action::Add(add)) => {
                let source = self.source(add.source, "add.source")?;
                if Topic::parse(&add.topic).is_none() {
                    let problem = "must be conversation/, user/, audience/ or presence/ and an id";
                    return Err(Error::invalid("add.topic", problem));
                }
                Ok(Ask::Add((source, add.topic.into()), add.after))
            }
            Some(Action::Drop(drop)) => {
                Ok(Ask::Drop((self.source(drop.source, "drop.source")?, drop.topic.into())))
            }
            None => Err(Error::invalid("action", "must be \"add\" or \"drop\"")),
        }
    }

    fn source(&self, source: i32, field: &'static str) -> Result<Source, Error> {
        let known = Source::try_from(source).ok().filter(|source| self.sources.contains(source));
        known.ok_or_else(|| Error::invalid(field, "must be a source that this server has"))
    }
}
