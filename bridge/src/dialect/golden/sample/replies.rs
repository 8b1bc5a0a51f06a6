//! Replies.

use causeway_proto::chat::{DeliveryStatus, GetMessageStatusResponse};

use super::{at, conversations, messages, notices};
use crate::command::Reply;

/// One reply at least of every kind.
pub(in crate::dialect::golden) fn all() -> Vec<(&'static str, Reply)> {
    let at = at(0).expect("the samples have times");
    vec![
        ("sent", Reply::Sent { message: Box::new(messages::plain()), duplicate: false }),
        ("sent again", Reply::Sent { message: Box::new(messages::plain()), duplicate: true }),
        ("done", Reply::Done),
        ("history", history()),
        ("empty history", Reply::History { messages: Vec::new(), has_more: false }),
        ("recent", Reply::Recent { messages: vec![messages::answered(), messages::marketing()] }),
        ("recent in a group", Reply::Recent { messages: vec![messages::plain()] }),
        ("thread", thread()),
        ("found", Reply::Search { query: "hello".to_owned(), messages: vec![messages::plain()] }),
        ("status of a message", status(DeliveryStatus::Read, &["456", "alice"], &["456"])),
        ("status of a message that reached nobody", status(DeliveryStatus::Sent, &[], &[])),
        ("conversations", conversations()),
        ("notifications", notifications()),
        ("pong", Reply::Pong),
        ("refreshed", Reply::Refreshed { expires_at: at }),
        ("heartbeat", Reply::Heartbeat { at }),
    ]
}

fn history() -> Reply {
    let messages = vec![messages::deleted(), messages::with_reactions(), messages::full()];
    Reply::History { messages, has_more: true }
}

fn thread() -> Reply {
    Reply::Thread { parent: Box::new(messages::plain()), replies: vec![messages::full()] }
}

fn status(status: DeliveryStatus, delivered_to: &[&str], read_by: &[&str]) -> Reply {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let status = GetMessageStatusResponse {
        status: status.into(),
        delivered_to: ids(delivered_to),
        read_by: ids(read_by),
    };
    Reply::MessageStatus { message_id: 4, status }
}

fn conversations() -> Reply {
    Reply::Conversations {
        conversations: vec![conversations::waiting(), conversations::empty(), conversations::closed()],
    }
}

fn notifications() -> Reply {
    let notifications = vec![notices::bare(), notices::notice(), notices::of_a_message()];
    Reply::Notifications { notifications, unread_count: 2, has_more: false }
}
