//! `Events.Read`: a stretch of a topic's log.

use causeway_proto::event::{ReadRequest, Source};

use super::{Hub, wire::ReadPage};
use crate::error::Error;

/// How many events when the request does not say.
const USUAL: u32 = 100;

/// How many at most.
const MOST: u32 = 500;

pub(super) async fn read(hubs: &[Hub], request: ReadRequest) -> Result<ReadPage, Error> {
    let source = Source::try_from(request.source).unwrap_or(Source::Unspecified);
    let hub = hubs.iter().find(|hub| hub.source() == source);
    let hub = hub.ok_or_else(|| Error::invalid("source", "must be a source that this server has"))?;
    let limit = if request.limit == 0 { USUAL } else { request.limit.min(MOST) };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = hub.page(request.topic.into(), request.after, limit).await?;
    Ok(ReadPage {
        history_lost: !page.extent.covers(request.after),
        head: page.extent.head,
        events: page.events.into_iter().map(|logged| logged.event).collect(),
    })
}
