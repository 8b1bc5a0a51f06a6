//! What is asked about users and conversations, and typing.

use causeway_kit::Error;
use causeway_proto::{
    id,
    presence::{PresenceStatus, SetTypingRequest, UserPresence},
};
use futures_util::future::join_all;
use prost::Message;
use uuid::Uuid;

use super::{
    Shared,
    partition::{Answer, Away, Status},
    told,
};
use crate::refusal::{away, too_many_typing};

impl Shared {
    /// Presence of each user, in the same order; `None` for those of whom Redis knows nothing.
    pub(crate) async fn presences(&self, users: Vec<Uuid>) -> Result<Vec<Option<UserPresence>>, Error> {
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.0.partitions.len()];
        for (at, user) in users.iter().enumerate() {
            places[self.place(*user)].push(at);
        }
        let wanted = self.0.partitions.iter().zip(&places).filter(|(_, places)| !places.is_empty());
        let calls = wanted.map(async |(partition, places)| {
            let answer = partition.run(&self.0.scripts.presences, |call| {
                for at in places {
                    call.arg(users[*at].to_string());
                }
            });
            Ok::<_, Away>((places, self.hear(answer.await?)))
        });
        let mut presences = vec![None; users.len()];
        for asked in join_all(calls).await {
            let (places, answer) = asked.map_err(|Away| away())?;
            for (at, presence) in places.iter().zip(read_presences(&answer)) {
                presences[*at] = presence;
            }
        }
        Ok(presences)
    }

    /// Ids of the users with a socket on the conversation, sorted.
    pub(crate) async fn present(&self, conversation: Uuid) -> Result<Vec<String>, Error> {
        let calls = self.0.partitions.iter().map(async |partition| {
            let answer = partition.run(&self.0.scripts.present, |call| {
                call.arg(conversation.to_string());
            });
            Ok::<_, Away>(self.hear(answer.await?))
        });
        let mut ids = Vec::new();
        for answer in join_all(calls).await {
            ids.extend(answer.map_err(|Away| away())?.more.iter().map(|id| told::text(id)));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// A user types, or stopped. `RESOURCE_EXHAUSTED` when too many do.
    pub(crate) async fn set_typing(&self, said: SetTypingRequest) -> Result<(), Error> {
        let Some(typist) = &said.user else { return Ok(()) };
        let user = id::to_uuid(&typist.user_id);
        let limit = self.0.settings.max_typing.div_ceil(self.0.partitions.len());
        let answer = self.0.partitions[self.place(user)].run(&self.0.scripts.typing, |call| {
            call.arg(id::to_uuid(&said.conversation_id).to_string()).arg(user.to_string());
            call.arg(&said.conversation_id).arg(&typist.user_id);
            call.arg(if said.is_typing { "1" } else { "0" }).arg(limit).arg(said.encode_to_vec());
        });
        let answer = self.hear(answer.await.map_err(|Away| away())?);
        if answer.status == Status::Full { Err(too_many_typing()) } else { Ok(()) }
    }
}

/// The time, and four texts for each user.
fn read_presences(answer: &Answer) -> impl Iterator<Item = Option<UserPresence>> {
    let (now, users) =
        answer.more.split_first().map_or((0, &[][..]), |(now, users)| (told::number(now), users));
    users.as_chunks::<4>().0.iter().map(move |[state, id, name, number]| match state.as_slice() {
        b"online" => Some(told::user(PresenceStatus::Online, id, name, now, told::number(number))),
        b"offline" => Some(told::user(PresenceStatus::Offline, id, name, told::number(number), 0)),
        _ => None,
    })
}
