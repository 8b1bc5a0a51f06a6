//! `causeway.presence.v1.Presence`: reads requests, asks, and answers.

use std::collections::HashMap;

use causeway_kit::Error;
use causeway_proto::{
    id,
    presence::{
        AttachRequest, AttachResponse, GetPresenceRequest, GetPresenceResponse, ListPresentRequest,
        ListPresentResponse, PresenceStatus, SetTypingRequest, SetTypingResponse, Typist, UserPresence,
        presence_server::Presence,
    },
    time::from_micros,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    attach::Attachment,
    field,
    keeper::Keeper,
    seen::{Seen, Sighting},
};

/// Most users in one GetPresence.
const MAX_USERS: usize = 1_000;

/// The service.
pub(crate) struct Service {
    /// Who is online.
    pub keeper: Keeper,
    /// When the others were; `None` where the keeper knows that too.
    pub seen: Option<Seen>,
    /// Streams are served here.
    pub tasks: TaskTracker,
    /// Streams end soon after this is cancelled.
    pub stop: CancellationToken,
}

#[tonic::async_trait]
impl Presence for Service {
    type AttachStream = ReceiverStream<Result<AttachResponse, Status>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let (attachment, responses) = Attachment::new(self.keeper.clone(), self.stop.clone());
        self.tasks.spawn(attachment.run(request.into_inner()));
        Ok(Response::new(ReceiverStream::new(responses)))
    }

    async fn get_presence(
        &self,
        request: Request<GetPresenceRequest>,
    ) -> Result<Response<GetPresenceResponse>, Status> {
        let user_ids = request.into_inner().user_ids;
        if !(1..=MAX_USERS).contains(&user_ids.len()) {
            return Err(Error::invalid("user_ids", format!("must be 1 to {MAX_USERS}")).into());
        }
        let ids = user_ids.iter().map(|given| field::id("user_ids", given)).collect::<Result<Vec<_>, _>>()?;
        Ok(Response::new(GetPresenceResponse { presences: self.presences(ids).await? }))
    }

    async fn list_present(
        &self,
        request: Request<ListPresentRequest>,
    ) -> Result<Response<ListPresentResponse>, Status> {
        let conversation_id = field::id("conversation_id", &request.into_inner().conversation_id)?;
        let user_ids = self.keeper.present(id::to_uuid(&conversation_id)).await?;
        Ok(Response::new(ListPresentResponse { user_ids }))
    }

    async fn set_typing(
        &self,
        request: Request<SetTypingRequest>,
    ) -> Result<Response<SetTypingResponse>, Status> {
        self.keeper.set_typing(typing(request.into_inner())?).await?;
        Ok(Response::new(SetTypingResponse {}))
    }
}

impl Service {
    async fn presences(&self, ids: Vec<String>) -> Result<Vec<UserPresence>, Error> {
        let uuids: Vec<_> = ids.iter().map(|id| id::to_uuid(id)).collect();
        let online = self.keeper.presences(uuids.clone()).await?;
        let others = uuids.iter().zip(&online).filter(|(_, online)| online.is_none()).map(|(uuid, _)| *uuid);
        let seen = match &self.seen {
            Some(seen) => seen.find(others.collect()).await?,
            None => HashMap::new(),
        };
        let answers = ids.into_iter().zip(uuids).zip(online);
        Ok(answers
            .map(|((id, uuid), online)| online.unwrap_or_else(|| offline(id, seen.get(&uuid))))
            .collect())
    }
}

fn offline(id: String, seen: Option<&Sighting>) -> UserPresence {
    UserPresence {
        user_id: seen.map_or(id, |sighting| sighting.user_id.clone()),
        display_name: seen.map_or_else(String::new, |sighting| sighting.display_name.clone()),
        status: PresenceStatus::Offline.into(),
        last_seen: seen.map(|sighting| from_micros(sighting.last_seen)),
        sessions: 0,
    }
}

fn typing(request: SetTypingRequest) -> Result<SetTypingRequest, Error> {
    let user = request.user.ok_or_else(|| Error::invalid("user", "must be set"))?;
    if !request.session_id.is_empty() {
        field::key("session_id", &request.session_id)?;
    }
    Ok(SetTypingRequest {
        conversation_id: field::id("conversation_id", &request.conversation_id)?,
        user: Some(Typist {
            user_id: field::id("user.user_id", &user.user_id)?,
            display_name: field::name(user.display_name),
            username: field::name(user.username),
            first_name: field::name(user.first_name),
            last_name: field::name(user.last_name),
        }),
        session_id: request.session_id,
        is_typing: request.is_typing,
    })
}
