//! What happens between a good token and the upgrade: the user is registered, every topic is joined, and then
//! access is checked. So nothing that happens after the client saw its 101 is missed, and nobody who was
//! removed meanwhile slips in.
//!
//! [`access`] says who may be where, [`wanted`] which topics there are, [`company`] whose presence is shown,
//! and [`resume`] where a client goes on that was away.

mod access;
mod company;
mod resume;
mod wanted;

use std::{sync::Arc, time::Duration};

use causeway_proto::{
    chat::{Conversation, ConversationKind, ConversationStatus},
    event::Source,
    presence::{SessionOpened, UserPresence},
    time,
};
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::access::conversation;
use self::wanted::{Joined, Wanted};
use crate::{
    auth::Identity,
    backend::call::Caller,
    command::{Page, Reply},
    connection::Mail,
    dialect::{Dialect, Room, Route},
    fanout::membership::Membership,
    fault::Refusal,
    limits::Seat,
    presence::Registration,
    session::{Now, Place, Session, Setup, action::Action, shows::Shows},
    shared::Shared,
};

/// How long the presence service may take over a topic; what comes later is missed at worst, and only
/// presence.
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
    pub(crate) kind: Option<ConversationKind>,
}

impl Opened {
    /// The kind of the conversation that the socket is on: for the `Link` of a deprecated path.
    pub(crate) fn kind(&self) -> Option<ConversationKind> {
        self.kind
    }
}

/// A user who may be where the path leads, with every topic joined that this needs.
struct Entered {
    caller: Arc<Caller>,
    membership: Membership,
    joined: Vec<Joined>,
    conversation: Option<Conversation>,
}

/// Opens a socket. Fails with what the dialect is to refuse it with.
pub(crate) async fn open(shared: &Arc<Shared>, request: Request) -> Result<Opened, Refusal> {
    let Request { dialect, route, id, identity, since, allow_opaque, seat } = request;
    let (room, shows) = (route.room, Shows::of(dialect, route.room));
    let ends_at = time::to_micros(&identity.ends_at);
    let entered = enter(shared, identity, route, id.as_deref(), shows).await?;
    let Entered { caller, mut membership, joined, conversation } = entered;
    let company = company::of(shared, shows, &caller.user, conversation.as_ref()).await;
    let (registration, presences, first) = tokio::join!(
        register(shared, &caller),
        company::follow(shared, &mut membership, company.clone()),
        first_reply(shared, shows, room, &caller),
    );
    let first = first?;
    let resumed = resume::from(since.as_deref(), joined);
    let mail = resume::mail(resumed.lanes, &membership);
    let place = conversation.as_ref().map(Place::of);
    let now = Now { at: Instant::now(), wall: shared.clock.now_micros() };
    let setup = Setup {
        dialect,
        room,
        shows,
        caller,
        place,
        company,
        positions: resumed.positions,
        shown: first.as_ref().map_or(0, newest),
        ends_at,
        settings: shared.settings.clone(),
        seat,
    };
    let mut session = Session::new(setup, now);
    let greeting = greeting(&mut session, now, first.as_ref(), resumed.lost);
    let (shared, kind) = (shared.clone(), place.map(|place| place.kind));
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

/// Registers the user, joins the topics, and then checks access: in this order, so that a removal is either
/// seen by the check or comes as an event.
async fn enter(
    shared: &Shared,
    identity: Identity,
    route: &Route,
    id: Option<&str>,
    shows: Shows,
) -> Result<Entered, Refusal> {
    if shared.drain.is_cancelled() {
        return Err(Refusal::Unavailable);
    }
    let user = shared.backend.register(identity.user).await?;
    if route.successors.is_some() {
        shared.metrics.deprecated_path();
    }
    let conversation_id = access::conversation_id(shared, route.room, id, &user).await?;
    let limit = shared.settings.mailbox_bytes;
    let mut membership = Membership::new(shared.fanout.clone(), limit, shared.metrics.waiting());
    let wanted = wanted::topics(route.room, shows, &user, conversation_id.as_deref());
    let joined = join(shared, &mut membership, wanted).await?;
    let conversation = match &conversation_id {
        Some(id) => Some(access::check(shared, route, id, &user.id).await?),
        None => None,
    };
    let caller = Caller {
        user,
        session_id: Uuid::new_v4().to_string(),
        conversation_id,
        conversation_kind: conversation.as_ref().map(Conversation::kind).unwrap_or_default(),
    };
    let caller = Arc::new(caller);
    Ok(Entered { caller, membership, joined, conversation })
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

async fn register(shared: &Shared, caller: &Caller) -> Registration {
    let session = SessionOpened {
        session_id: caller.session_id.clone(),
        user_id: caller.user.id.clone(),
        display_name: caller.user.display_name(),
        conversation_id: caller.conversation_id.clone().unwrap_or_default(),
    };
    shared.ledger.open(session).await
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

/// The newest message that a reply shows.
fn newest(reply: &Reply) -> u64 {
    match reply {
        Reply::Recent { messages } => messages.iter().map(|message| message.id).max().unwrap_or(0),
        _ => 0,
    }
}

fn greeting(session: &mut Session, now: Now, first: Option<&Reply>, lost: bool) -> Vec<Action> {
    let mut greeting = Vec::new();
    if let Some(reply) = first {
        session.greet(now, reply, &mut greeting);
    }
    if lost {
        session.history_lost(&mut greeting);
    }
    greeting
}
