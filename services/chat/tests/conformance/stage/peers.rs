//! Presence and notification, as far as chat calls them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use causeway_proto::{
    client::{Credential, Grpc, in_process},
    notification::{
        BroadcastRequest, BroadcastResponse, CancelBulkRequest, CancelBulkResponse, GetBulkRequest,
        GetBulkResponse, ListNotificationsRequest, ListNotificationsResponse, MarkReadRequest,
        MarkReadResponse, NotifyRequest, NotifyResponse, StartBulkRequest, StartBulkResponse,
        WatchBulkRequest, WatchBulkResponse,
        notifications_server::{Notifications, NotificationsServer},
    },
    presence::{
        AttachRequest, AttachResponse, GetPresenceRequest, GetPresenceResponse, ListPresentRequest,
        ListPresentResponse, SetTypingRequest, SetTypingResponse,
        presence_server::{Presence, PresenceServer},
    },
};
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream, service::Routes};

fn credential() -> Credential {
    Credential::bearer("secret").unwrap()
}

/// Says who is present, as it is told.
#[derive(Clone, Default)]
pub(crate) struct PresenceActor {
    present: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    asked: Arc<AtomicUsize>,
}

impl PresenceActor {
    pub(crate) fn client(&self) -> Grpc {
        in_process(Routes::new(PresenceServer::new(self.clone())).prepare(), credential())
    }

    /// From now on these users have sockets on the conversation.
    pub(crate) fn set(&self, conversation: &str, users: &[&str]) {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        self.present.lock().unwrap().insert(conversation.to_owned(), users);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[tonic::async_trait]
impl Presence for PresenceActor {
    type AttachStream = BoxStream<AttachResponse>;

    async fn attach(
        &self,
        _: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn get_presence(
        &self,
        _: Request<GetPresenceRequest>,
    ) -> Result<Response<GetPresenceResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn list_present(
        &self,
        request: Request<ListPresentRequest>,
    ) -> Result<Response<ListPresentResponse>, Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let present = self.present.lock().unwrap().get(&request.get_ref().conversation_id).cloned();
        Ok(Response::new(ListPresentResponse { user_ids: present.unwrap_or_default() }))
    }

    async fn set_typing(&self, _: Request<SetTypingRequest>) -> Result<Response<SetTypingResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }
}

/// Writes down who is notified, unless it is away.
#[derive(Clone, Default)]
pub(crate) struct NotificationActor {
    notified: Arc<Mutex<Vec<NotifyRequest>>>,
    away: Arc<AtomicBool>,
}

impl NotificationActor {
    pub(crate) fn client(&self) -> Grpc {
        in_process(Routes::new(NotificationsServer::new(self.clone())).prepare(), credential())
    }

    pub(crate) fn notified(&self) -> Vec<NotifyRequest> {
        self.notified.lock().unwrap().clone()
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }
}

#[tonic::async_trait]
impl Notifications for NotificationActor {
    type WatchBulkStream = BoxStream<WatchBulkResponse>;

    async fn notify(&self, request: Request<NotifyRequest>) -> Result<Response<NotifyResponse>, Status> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Status::unavailable("away"));
        }
        self.notified.lock().unwrap().push(request.into_inner());
        Ok(Response::new(NotifyResponse::default()))
    }

    async fn broadcast(&self, _: Request<BroadcastRequest>) -> Result<Response<BroadcastResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn list_notifications(
        &self,
        _: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn mark_read(&self, _: Request<MarkReadRequest>) -> Result<Response<MarkReadResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn start_bulk(&self, _: Request<StartBulkRequest>) -> Result<Response<StartBulkResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn get_bulk(&self, _: Request<GetBulkRequest>) -> Result<Response<GetBulkResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn watch_bulk(
        &self,
        _: Request<WatchBulkRequest>,
    ) -> Result<Response<Self::WatchBulkStream>, Status> {
        Err(Status::unimplemented("not played"))
    }

    async fn cancel_bulk(
        &self,
        _: Request<CancelBulkRequest>,
    ) -> Result<Response<CancelBulkResponse>, Status> {
        Err(Status::unimplemented("not played"))
    }
}
