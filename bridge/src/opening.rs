//! What happens between a good token and the upgrade: the user is registered, every topic is joined, and then access is
//! checked. So nothing that happens after the client saw its 101 is missed, and nobody who was removed meanwhile slips in.

mod resume;
mod wanted;

use std::{sync::Arc, time::Duration};

use causeway_proto::{
    chat::{Conversation, ConversationKind, ConversationStatus, User},
    event::Source,
    id::{self, Given},
    presence::{SessionOpened, UserPresence},
    time, topic,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    auth::Identity,
    backend::call::Caller,
    command::{Page, Reply},
    connection::Mail,
    dialect::{Dialect, Room, Route},
    fanout::{Topic, membership::Membership, registry::Interest},
    fault::Refusal,
    limits::Seat,
    opening::wanted::{Joined, Wanted},
    presence::Registration,
    session::{Now, Place, Session, Setup, action::Action, shows::Shows},
    shared::Shared,
};

/// How long the presence service may take over a topic; what comes later is missed at worst, and only presence.
const PRESENCE_PATIENCE: Duration = Duration::from_millis(500);

/// Messages that are shown on connect, where a dialect shows them.
const RECENT: u32 = 50;

/// A socket that wants to be opened. The token has been checked; nothing else has.
pub(crate) struct Request {
    /// Whose frames it speaks.
    pub(crate) dialect: Dialect,
    /// The path it came in on.
    pub(crate) route: &'static Route,
    /// What stood in place of `{id}`, percent-decoded.
    pub(crate) id: Option<String>,
    /// Whom the token names.
    pub(crate) identity: Identity,
    /// `since` of the query, when there was one; it may be empty.
    pub(crate) since: Option<String>,
    /// Whether a token for `refresh_token` may be opaque too.
    pub(crate) allow_opaque: bool,
    /// The socket's place within the user's limits; it is kept until the socket is closed.
    pub(crate) seat: Seat,
}

/// A socket that may be upgraded and given to [`crate::connection::run`]. Dropping it undoes the opening.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) dialect: Dialect,
    pub(crate) session: Session,
    pub(crate) membership: Membership,
    pub(crate) registration: Registration,
    pub(crate) mail: Mail,
    /// What is sent before anything else.
    pub(crate) greeting: Vec<Action>,
    /// Who of the company is online.
    pub(crate) presences: Vec<UserPresence>,
    pub(crate) allow_opaque: bool,
    kind: Option<ConversationKind>,
}

impl Opened {
    /// The kind of the conversation that the socket is on: for the `Link` of a deprecated path.
    pub(crate) fn kind(&self) -> Option<ConversationKind> {
        self.kind
    }
}

/// Opens a socket. Fails with what the dialect is to refuse it with.
pub(crate) async fn open(shared: &Arc<Shared>, request: Request) -> Result<Opened, Refusal> {
    let Request { dialect, route, id, identity, since, allow_opaque, seat } = request;
    if shared.drain.is_cancelled() {
        return Err(Refusal::Unavailable);
    }
    let ends_at = time::to_micros(&identity.ends_at);
    let user = shared.backend.register(identity.user).await?;
    if route.successors.is_some() {
        shared.metrics.deprecated_path();
    }
    let shows = Shows::of(dialect, route.room);
    let limit = shared.settings.mailbox_bytes;
    let mut membership = Membership::new(shared.fanout.clone(), limit, shared.metrics.waiting());
    let conversation_id = conversation_id(shared, route.room, id.as_deref(), &user).await?;
    let wanted = wanted::topics(route.room, shows, &user, conversation_id.as_deref());
    let joined = join(shared, &mut membership, wanted).await?;
    let conversation = match &conversation_id {
        Some(id) => Some(enter(shared, route, id, &user.id).await?),
        None => None,
    };
    let company = company(shared, shows, &user, conversation.as_ref()).await;
    let place = conversation.as_ref().map(place);
    let caller = Arc::new(Caller { user, session_id: Uuid::new_v4().to_string(), conversation_id });
    let resumed = resume::from(since.as_deref(), joined);
    let (registration, presences, first) = tokio::join!(
        register(shared, &caller),
        presences(shared, &mut membership, company.clone()),
        first_reply(shared, shows, route.room, &caller),
    );
    let now = Now { at: Instant::now(), wall: shared.clock.now_micros() };
    let first = first?;
    let shown = first.as_ref().map_or(0, newest);
    let settings = shared.settings.clone();
    let positions = resumed.positions;
    let room = route.room;
    let setup =
        Setup { dialect, room, shows, caller, place, company, positions, shown, ends_at, settings, seat };
    let mut session = Session::new(setup, now);
    let mut greeting = Vec::new();
    if let Some(reply) = &first {
        session.greet(now, reply, &mut greeting);
    }
    if resumed.lost {
        session.history_lost(&mut greeting);
    }
    let mail = resume::mail(resumed.lanes, &membership);
    let kind = place.map(|place| place.kind);
    let shared = shared.clone();
    Ok(Opened {
        shared,
        dialect,
        session,
        membership,
        registration,
        mail,
        greeting,
        presences,
        allow_opaque,
        kind,
    })
}

/// The group or one-to-one conversation `id` as the user sees it, for `GET /api/conversations/{id}`.
pub(crate) async fn conversation(
    shared: &Shared,
    identity: &Identity,
    id: &str,
) -> Result<Conversation, Refusal> {
    let user = shared.backend.register(identity.user.clone()).await?;
    let conversation = shared.backend.conversation(id, &user.id).await?;
    match conversation.kind() {
        ConversationKind::Group | ConversationKind::OneToOne => Ok(conversation),
        ConversationKind::Support | ConversationKind::Unspecified => Err(Refusal::NotFound),
    }
}

/// The canonical id of the conversation that a path names; a path that names a user must name this one.
async fn conversation_id(
    shared: &Shared,
    room: Room,
    id: Option<&str>,
    user: &User,
) -> Result<Option<String>, Refusal> {
    match (room, id) {
        (Room::Conversation(_), Some(id)) => match id::read(id).map_err(|_| Refusal::NotFound)? {
            Given::Canonical(id) => Ok(Some(id)),
            Given::Hashed(uuid) => {
                Ok(Some(shared.backend.conversation(&uuid.to_string(), &user.id).await?.id))
            }
        },
        (Room::Conversation(_), None) => Err(Refusal::NotFound),
        (Room::Personal | Room::Notifications | Room::List, Some(id)) if !id::same(id, &user.id) => {
            Err(Refusal::WrongUser)
        }
        (Room::Personal | Room::Notifications | Room::List, _) => Ok(None),
    }
}

/// Checks that the user may be in a conversation, and that it is one for this path.
async fn enter(shared: &Shared, route: &Route, id: &str, user_id: &str) -> Result<Conversation, Refusal> {
    let conversation = shared.backend.conversation(id, user_id).await?;
    let fits = match (route.room, conversation.kind()) {
        (Room::Conversation(Some(wanted)), kind) => wanted == kind,
        // A path that is followed by one for groups and one for pairs was only ever for these.
        (_, ConversationKind::Group | ConversationKind::OneToOne) => true,
        (_, ConversationKind::Support | ConversationKind::Unspecified) => route.successors.is_none(),
    };
    if fits { Ok(conversation) } else { Err(Refusal::NotFound) }
}

/// Joins topics and waits until their events come.
async fn join(
    shared: &Shared,
    membership: &mut Membership,
    wanted: Vec<Wanted>,
) -> Result<Vec<Joined>, Refusal> {
    let asked: Vec<_> = wanted
        .into_iter()
        .map(|wanted| (membership.join(wanted.topic.clone(), wanted.interest), wanted))
        .collect();
    let mut joined = Vec::with_capacity(asked.len());
    for (place, Wanted { topic, shown, .. }) in asked {
        let ephemeral = topic.source == Source::Presence;
        let patience = if ephemeral { PRESENCE_PATIENCE } else { shared.settings.call_timeout };
        match place.position(patience).await {
            Ok(position) => joined.push(Joined { topic, shown, position }),
            Err(_) if ephemeral => {}
            Err(_) => return Err(Refusal::Unavailable),
        }
    }
    Ok(joined)
}

/// The users whose presence the socket follows.
async fn company(
    shared: &Shared,
    shows: Shows,
    user: &User,
    conversation: Option<&Conversation>,
) -> Vec<String> {
    if !shows.presence {
        return Vec::new();
    }
    let Some(conversation) = conversation else {
        return shared.backend.contacts(&user.id).await.unwrap_or_default();
    };
    if place(conversation).participants > shared.settings.presence_limit {
        return Vec::new();
    }
    let participants = conversation.participants.iter().filter_map(|participant| participant.user.as_ref());
    participants.filter(|other| other.id != user.id).map(|other| other.id.clone()).collect()
}

fn place(conversation: &Conversation) -> Place {
    let counted = usize::try_from(conversation.participant_count).unwrap_or(usize::MAX);
    Place { kind: conversation.kind(), participants: counted.max(conversation.participants.len()) }
}

async fn register(shared: &Shared, caller: &Caller) -> Registration {
    let session = SessionOpened {
        session_id: caller.session_id.clone(),
        user_id: caller.user.id.clone(),
        display_name: caller.user.display_name(),
        conversation_id: caller.conversation_id.clone().unwrap_or_default(),
    };
    shared.ledger.open(session).await
}

/// Follows the company, and says how it is now.
async fn presences(shared: &Shared, membership: &mut Membership, company: Vec<String>) -> Vec<UserPresence> {
    let topics = company.iter().map(|id| Topic::new(Source::Presence, topic::Topic::Presence(id)));
    let places: Vec<_> = topics.map(|topic| membership.join(topic, Interest::Everything)).collect();
    let deadline = Instant::now() + PRESENCE_PATIENCE;
    for place in places {
        let left = deadline.saturating_duration_since(Instant::now());
        if place.position(left).await.is_err() {
            break;
        }
    }
    shared.backend.presences(company).await
}

/// What the dialect sends unasked when a socket opens.
async fn first_reply(
    shared: &Shared,
    shows: Shows,
    room: Room,
    caller: &Caller,
) -> Result<Option<Reply>, Refusal> {
    let user_id = &caller.user.id;
    let reply = match (room, &caller.conversation_id) {
        (Room::List, _) => shared.backend.conversations(user_id, ConversationStatus::Unspecified, 0).await,
        (Room::Conversation(_), Some(id)) if shows.recent => {
            let page = Page { before: None, limit: RECENT };
            let recent = shared.backend.messages(id.clone(), user_id.clone(), page).await;
            recent.map(|(messages, _)| Reply::Recent { messages })
        }
        (Room::Conversation(_) | Room::Personal | Room::Notifications, _) => return Ok(None),
    };
    reply.map(Some).map_err(|_| Refusal::Unavailable)
}

fn newest(reply: &Reply) -> u64 {
    match reply {
        Reply::Recent { messages } => messages.iter().map(|message| message.id).max().unwrap_or(0),
        _ => 0,
    }
}
