//! What a repeated call does, by its path: the declaration that retries go by.
//!
//! Nothing is ever sent twice at the same time (no hedging). A call is made again when the first cannot have been carried out, or,
//! after `UNAVAILABLE`, when a repetition changes nothing: because the method only reads, because its effect is the same the
//! second time, or because the caller vouches for a key in it ([`Keyed`]).

/// What it means to make a call a second time when the first may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// The same as once.
    Harmless,
    /// A second effect, or another answer.
    Harmful,
    /// It is a stream: whoever holds it opens another.
    Stream,
}

/// Stands in the extensions of a request that carries an idempotency key, for all that it does.
#[derive(Debug, Clone, Copy)]
pub struct Keyed;

/// What only reads, or leaves the same behind however often it is made.
const HARMLESS: [&str; 26] = [
    "/causeway.chat.v1.Chat/GetConversation",
    "/causeway.chat.v1.Chat/ListConversations",
    "/causeway.chat.v1.Chat/ListContacts",
    "/causeway.chat.v1.Chat/ListMessages",
    "/causeway.chat.v1.Chat/GetThread",
    "/causeway.chat.v1.Chat/SearchMessages",
    "/causeway.chat.v1.Chat/GetMessageStatus",
    "/causeway.chat.v1.Chat/ReportDelivered",
    "/causeway.chat.v1.Chat/ShowTyping",
    "/causeway.chat.v1.Directory/RegisterUser",
    "/causeway.chat.v1.Directory/PutUser",
    "/causeway.chat.v1.Directory/GetUser",
    "/causeway.chat.v1.Directory/ListUsers",
    "/causeway.chat.v1.Directory/PutAudience",
    "/causeway.chat.v1.Directory/GetAudience",
    "/causeway.chat.v1.Directory/ListAudiences",
    "/causeway.event.v1.Events/Read",
    "/causeway.notification.v1.Notifications/ListNotifications",
    "/causeway.notification.v1.Notifications/GetBulk",
    "/causeway.plugin.v1.Plugins/ListPlugins",
    "/causeway.plugin.v1.Plugins/ListSetAside",
    "/causeway.plugin.v1.Plugins/ListOutbox",
    "/causeway.presence.v1.Presence/GetPresence",
    "/causeway.presence.v1.Presence/ListPresent",
    "/causeway.presence.v1.Presence/SetTyping",
    "/grpc.health.v1.Health/Check",
];

/// What has an effect each time, or answers otherwise the second time.
const HARMFUL: [&str; 19] = [
    "/causeway.chat.v1.Chat/CreateConversation",
    "/causeway.chat.v1.Chat/UpdateConversation",
    "/causeway.chat.v1.Chat/AddParticipants",
    "/causeway.chat.v1.Chat/RemoveParticipants",
    "/causeway.chat.v1.Chat/SendMessage",
    "/causeway.chat.v1.Chat/SendMessages",
    "/causeway.chat.v1.Chat/EditMessage",
    "/causeway.chat.v1.Chat/DeleteMessage",
    "/causeway.chat.v1.Chat/React",
    "/causeway.chat.v1.Chat/MarkRead",
    "/causeway.chat.v1.Chat/ReportDeliveryStatus",
    "/causeway.notification.v1.Notifications/Notify",
    "/causeway.notification.v1.Notifications/Broadcast",
    "/causeway.notification.v1.Notifications/MarkRead",
    "/causeway.notification.v1.Notifications/StartBulk",
    "/causeway.notification.v1.Notifications/CancelBulk",
    "/causeway.plugin.v1.Plugins/AddPlugin",
    "/causeway.plugin.v1.Plugins/RemovePlugin",
    "/causeway.plugin.v1.Plugins/ReplayOutbox",
];

/// What a repetition of a method does. What is not known here is taken for a stream: it is passed on as it comes.
pub(crate) fn repeat(path: &str) -> Repeat {
    if HARMLESS.contains(&path) {
        Repeat::Harmless
    } else if HARMFUL.contains(&path) {
        Repeat::Harmful
    } else {
        Repeat::Stream
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::FILE_DESCRIPTOR_SET;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_the_protocol_is_declared() {
        let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file;
        let mut known = 1;
        for file in &files {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    let streams = method.client_streaming() || method.server_streaming();
                    assert_eq!(
                        repeat(&path) == Repeat::Stream,
                        streams,
                        "{path} stands in one of the lists above"
                    );
                    known += usize::from(!streams);
                }
            }
        }
        assert_eq!(
            HARMLESS.len() + HARMFUL.len(),
            known,
            "each of the lists names only methods that there are"
        );
    }

    #[test]
    fn sends_are_never_repeated_unless_somebody_vouches_for_them() {
        assert_eq!(repeat("/causeway.chat.v1.Chat/SendMessages"), Repeat::Harmful);
        assert_eq!(repeat("/causeway.notification.v1.Notifications/Notify"), Repeat::Harmful);
    }
}
