//! `causeway.notification.v1.Notifications`: reads requests, does what they say in a job of the store, and
//! answers.

use std::{pin::Pin, time::Duration};

use causeway_kit::{Error, Store, plugin_host::Host, store::Tx};
use causeway_proto::{
    notification::{
        BroadcastRequest, BroadcastResponse, CancelBulkRequest, CancelBulkResponse, GetBulkRequest,
        GetBulkResponse, ListNotificationsRequest, ListNotificationsResponse, MarkReadRequest,
        MarkReadResponse, NotifyRequest, NotifyResponse, StartBulkRequest, StartBulkResponse,
        WatchBulkRequest, WatchBulkResponse, notifications_server::Notifications,
    },
    topic::Topic,
};
use futures_util::Stream;
use tonic::{Request, Response, Status};

use crate::{
    bulk,
    counters::Counters,
    courier::Courier,
    field,
    inbox::{Inbox, Page},
    once::Once,
    person, publish,
};

const MAX_RECIPIENTS: usize = 100_000;
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;

/// The service.
pub(crate) struct Service {
    /// Where notifications are.
    pub store: Store,
    /// Carries bulk messages out.
    pub courier: Courier,
    /// Counts what is published.
    pub counters: Counters,
    /// How long idempotency keys are remembered.
    pub idempotency: Duration,
    /// Whose notices make way for those who wait.
    pub plugins: Host,
}

impl Service {
    /// Carries out a job that somebody waits for.
    async fn write<T, J>(&self, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.plugins.somebody_writes();
        self.store.write(job).await
    }
}

#[tonic::async_trait]
impl Notifications for Service {
    type WatchBulkStream = Pin<Box<dyn Stream<Item = Result<WatchBulkResponse, Status>> + Send>>;

    async fn notify(&self, request: Request<NotifyRequest>) -> Result<Response<NotifyResponse>, Status> {
        let request = request.into_inner();
        let user = field::user("user_id", &request.user_id)?;
        let content = field::content(request.content)?;
        let key = field::key("idempotency_key", request.idempotency_key)?;
        let collapse_key = field::key("collapse_key", request.collapse_key)?;
        let keep = self.idempotency;
        let published = self.write(move |tx| {
            let user_id = person::resolve(tx, user)?;
            let once = Once { scope: Topic::User(&user_id).to_string(), key, keep };
            publish::notify(tx, &user_id, &content, &once, collapse_key.as_deref())
        });
        let publish::Published { notification, duplicate } = published.await?;
        if !duplicate {
            self.counters.user();
        }
        Ok(Response::new(NotifyResponse { notification: Some(notification), duplicate }))
    }

    async fn broadcast(
        &self,
        request: Request<BroadcastRequest>,
    ) -> Result<Response<BroadcastResponse>, Status> {
        let BroadcastRequest { audience, content, idempotency_key } = request.into_inner();
        field::audience("audience", &audience)?;
        let content = field::content(content)?;
        let key = field::key("idempotency_key", idempotency_key)?;
        let once = Once { scope: Topic::Audience(&audience).to_string(), key, keep: self.idempotency };
        let published = self.write(move |tx| publish::broadcast(tx, &audience, &content, &once));
        let publish::Published { notification, duplicate } = published.await?;
        if !duplicate {
            self.counters.audience();
        }
        Ok(Response::new(BroadcastResponse { notification: Some(notification), duplicate }))
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let ListNotificationsRequest { user_id, audiences, unread_only, before, limit } =
            request.into_inner();
        let user = field::user("user_id", &user_id)?;
        field::audiences("audiences", &audiences)?;
        let limit = match usize::try_from(limit).unwrap_or(MAX_LIMIT) {
            0 => DEFAULT_LIMIT,
            limit => limit.min(MAX_LIMIT),
        };
        let before = before.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
        let listed = self.store.read(move |reader| {
            let inbox = Inbox::new(person::resolve(reader, user)?, &audiences);
            inbox.list(reader, Page { unread_only, before, limit })
        });
        Ok(Response::new(listed.await?))
    }

    async fn mark_read(
        &self,
        request: Request<MarkReadRequest>,
    ) -> Result<Response<MarkReadResponse>, Status> {
        let MarkReadRequest { user_id, audiences, notification_id } = request.into_inner();
        let user = field::user("user_id", &user_id)?;
        field::audiences("audiences", &audiences)?;
        let id = notification_id.map(|id| row("notification", id)).transpose()?;
        let marked = self.write(move |tx| {
            let inbox = Inbox::new(person::resolve(tx, user)?, &audiences);
            match id {
                Some(id) => inbox.mark_one(tx, id),
                None => inbox.mark_all(tx),
            }
        });
        Ok(Response::new(MarkReadResponse { changed: marked.await? }))
    }

    async fn start_bulk(
        &self,
        request: Request<StartBulkRequest>,
    ) -> Result<Response<StartBulkResponse>, Status> {
        let StartBulkRequest { user_ids, content, idempotency_key } = request.into_inner();
        if !(1..=MAX_RECIPIENTS).contains(&user_ids.len()) {
            return Err(Error::invalid("user_ids", format!("must be 1 to {MAX_RECIPIENTS}")).into());
        }
        let given: Vec<_> =
            user_ids.iter().map(|id| field::user("user_ids", id)).collect::<Result<_, _>>()?;
        let content = field::content(content)?;
        let key = field::key("idempotency_key", idempotency_key)?;
        let once = Once { scope: "bulk".to_owned(), key, keep: self.idempotency };
        // The writer is not kept from others by sorting out a hundred thousand names.
        let recipients = self.store.read(move |reader| bulk::recipients(reader, given)).await?;
        let courier = self.courier.clone();
        let started = self.write(move |tx| {
            courier.wake();
            bulk::start(tx, &recipients, &content, &once)
        });
        let (bulk, duplicate) = started.await?;
        Ok(Response::new(StartBulkResponse { bulk: Some(bulk), duplicate }))
    }

    async fn get_bulk(&self, request: Request<GetBulkRequest>) -> Result<Response<GetBulkResponse>, Status> {
        let id = row("bulk message", request.into_inner().bulk_id)?;
        let bulk = self.store.read(move |reader| bulk::get(reader, id)).await?;
        Ok(Response::new(GetBulkResponse { bulk: Some(bulk) }))
    }

    async fn watch_bulk(
        &self,
        request: Request<WatchBulkRequest>,
    ) -> Result<Response<Self::WatchBulkStream>, Status> {
        let id = row("bulk message", request.into_inner().bulk_id)?;
        Ok(Response::new(Box::pin(self.courier.watch(id).await?)))
    }

    async fn cancel_bulk(
        &self,
        request: Request<CancelBulkRequest>,
    ) -> Result<Response<CancelBulkResponse>, Status> {
        let id = row("bulk message", request.into_inner().bulk_id)?;
        let courier = self.courier.clone();
        let cancelled = self.write(move |tx| {
            courier.wake();
            bulk::cancel(tx, id)
        });
        let bulk = cancelled.await?;
        Ok(Response::new(CancelBulkResponse { bulk: Some(bulk) }))
    }
}

/// An id as it stands in the database. One that cannot stand there is one that does not exist.
fn row(what: &'static str, id: u64) -> Result<i64, Error> {
    i64::try_from(id).map_err(|_| Error::not_found(what))
}
