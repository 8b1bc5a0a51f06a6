//! Events and replies by the names that golden files use. The values are those of the frontends' documents
//! where they print some.

mod conversations;
mod messages;
mod notices;
mod people;
mod replies;

use causeway_proto::{
    chat::{
        ConversationJoined, ConversationKind, ConversationLeft, ConversationUpdated, CustomerMessageCreated,
        DeliveryStatus, DeliveryStatusChanged, DirectMessageCreated, Message, MessageCreated, MessageDeleted,
        MessageEdited, MessagesDelivered, MessagesRead, ParticipantsAdded, ParticipantsRemoved,
        ReactionChanged, UserUpdated,
    },
    event::{Event, event::Body},
    notification::{Notification, NotificationPublished, NotificationsRead},
    presence::{PresenceChanged, PresenceStatus, TypingChanged, Typist, UserPresence},
};
use prost_types::Timestamp;

use crate::command::Reply;

/// The event of a name.
pub(super) fn event(name: &str) -> Event {
    let body = events().into_iter().find(|(known, _)| *known == name).map(|(_, body)| body);
    Event {
        body: Some(body.unwrap_or_else(|| unreachable!("no event is called {name}"))),
        ..Event::default()
    }
}

/// The reply of a name.
pub(super) fn reply(name: &str) -> Reply {
    let reply = replies::all().into_iter().find(|(known, _)| *known == name).map(|(_, reply)| reply);
    reply.unwrap_or_else(|| unreachable!("no reply is called {name}"))
}

pub(super) use self::replies::all as replies;

/// One event at least of every kind.
pub(super) fn events() -> Vec<(&'static str, Body)> {
    let mut all = in_conversations();
    all.extend(to_users());
    all
}

/// 2025-05-30T11:39:30.900633Z and `seconds` more.
fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_748_605_170 + seconds, nanos: 900_633_000 })
}

fn created(message: Message) -> Body {
    Body::MessageCreated(MessageCreated { message: Some(message) })
}

fn in_conversations() -> Vec<(&'static str, Body)> {
    vec![
        ("message", created(messages::plain())),
        ("message with everything", created(messages::full())),
        ("message between string ids", created(messages::named())),
        ("message of a file", created(messages::file())),
        ("customer's message", created(messages::customers())),
        ("answer on its way", created(messages::support())),
        ("answer by AI", created(messages::ai())),
        ("message edited", Body::MessageEdited(MessageEdited { message: Some(messages::edited()) })),
        ("message deleted", Body::MessageDeleted(deleted())),
        ("reaction added", Body::ReactionChanged(reaction(true))),
        ("reaction removed", Body::ReactionChanged(reaction(false))),
        ("messages read", Body::MessagesRead(read())),
        ("messages delivered", Body::MessagesDelivered(delivered())),
        ("channel delivered", Body::DeliveryStatusChanged(channel(DeliveryStatus::Delivered, ""))),
        (
            "channel failed",
            Body::DeliveryStatusChanged(channel(DeliveryStatus::Failed, "blocked by the user")),
        ),
        ("typing", Body::TypingChanged(typing(true))),
        ("typing stopped", Body::TypingChanged(typing(false))),
        ("online", Body::PresenceChanged(presence(PresenceStatus::Online, at(5)))),
        ("offline", Body::PresenceChanged(presence(PresenceStatus::Offline, at(9)))),
        ("never seen", Body::PresenceChanged(presence(PresenceStatus::Offline, None))),
        ("participants added", Body::ParticipantsAdded(added())),
        ("participants removed", Body::ParticipantsRemoved(removed())),
    ]
}

fn to_users() -> Vec<(&'static str, Body)> {
    let customer_message = CustomerMessageCreated {
        message: Some(messages::customers()),
        conversation: Some(conversations::waiting()),
    };
    let left = ConversationLeft { conversation_id: "2".to_owned() };
    vec![
        ("direct message", direct(messages::direct(), true)),
        ("direct message of a file", direct(messages::direct_file(), true)),
        ("message in an open one-to-one conversation", direct(messages::direct(), false)),
        ("customer wrote", Body::CustomerMessageCreated(customer_message)),
        ("conversation updated", updated(conversations::waiting())),
        ("group updated", updated(conversations::group())),
        ("joined where a customer waits", joined(conversations::waiting())),
        ("joined where nobody wrote", joined(conversations::empty())),
        ("joined a group", joined(conversations::group())),
        ("conversation left", Body::ConversationLeft(left)),
        ("user updated", Body::UserUpdated(UserUpdated { user: Some(people::john()) })),
        ("notice", published(notices::notice())),
        ("notice without data", published(notices::bare())),
        ("notification of a message", published(notices::of_a_message())),
        ("notification read", Body::NotificationsRead(NotificationsRead { notification_id: Some(789) })),
        ("all notifications read", Body::NotificationsRead(NotificationsRead { notification_id: None })),
    ]
}

fn deleted() -> MessageDeleted {
    MessageDeleted {
        message_id: 4,
        conversation_id: "2".to_owned(),
        conversation_kind: ConversationKind::Group.into(),
        user_id: "1".to_owned(),
        deleted_at: at(60),
    }
}

fn reaction(added: bool) -> ReactionChanged {
    ReactionChanged {
        message_id: 4,
        conversation_id: "2".to_owned(),
        conversation_kind: ConversationKind::Group.into(),
        user: Some(people::john()),
        reaction: "like".to_owned(),
        added,
    }
}

fn read() -> MessagesRead {
    MessagesRead {
        message_id: 4,
        conversation_id: "2".to_owned(),
        conversation_kind: ConversationKind::Group.into(),
        user: Some(people::john()),
        read_at: at(2),
    }
}

fn delivered() -> MessagesDelivered {
    MessagesDelivered {
        message_ids: vec![3, 4],
        conversation_id: "2".to_owned(),
        sender_id: "1".to_owned(),
        user_id: "456".to_owned(),
        delivered_at: at(1),
    }
}

fn channel(status: DeliveryStatus, error: &str) -> DeliveryStatusChanged {
    DeliveryStatusChanged {
        message_id: 91,
        conversation_id: "conv123".to_owned(),
        status: status.into(),
        error: error.to_owned(),
    }
}

fn typing(is_typing: bool) -> TypingChanged {
    TypingChanged {
        conversation_id: "2".to_owned(),
        user: Some(Typist {
            user_id: "456".to_owned(),
            display_name: "John Doe".to_owned(),
            username: "jdoe".to_owned(),
            first_name: "John".to_owned(),
            last_name: "Doe".to_owned(),
        }),
        session_id: "s1".to_owned(),
        is_typing,
    }
}

fn presence(status: PresenceStatus, last_seen: Option<Timestamp>) -> PresenceChanged {
    let presence = UserPresence {
        user_id: "456".to_owned(),
        display_name: "John Doe".to_owned(),
        status: status.into(),
        last_seen,
        sessions: 1,
    };
    PresenceChanged { presence: Some(presence) }
}

fn added() -> ParticipantsAdded {
    ParticipantsAdded { conversation_id: "2".to_owned(), users: vec![people::john()] }
}

fn removed() -> ParticipantsRemoved {
    ParticipantsRemoved { conversation_id: "2".to_owned(), user_ids: vec!["456".to_owned()] }
}

fn direct(message: Message, addressed: bool) -> Body {
    Body::DirectMessageCreated(DirectMessageCreated {
        message: Some(message),
        peer_id: "101".to_owned(),
        addressed,
        origin: String::new(),
    })
}

fn updated(conversation: causeway_proto::chat::Conversation) -> Body {
    Body::ConversationUpdated(ConversationUpdated { conversation: Some(conversation) })
}

fn joined(conversation: causeway_proto::chat::Conversation) -> Body {
    let other_user_ids = vec!["456".to_owned()];
    Body::ConversationJoined(ConversationJoined { conversation: Some(conversation), other_user_ids })
}

fn published(notification: Notification) -> Body {
    Body::NotificationPublished(NotificationPublished { notification: Some(notification) })
}
