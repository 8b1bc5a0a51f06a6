//! How far messages to an outside customer got on the customer's channel, whoever says so.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        Author, ConversationKind, DeliveryStatus, DeliveryStatusChanged, Message,
        ReportDeliveryStatusRequest, ReportDeliveryStatusResponse,
    },
    event::{Source, event},
    topic::Topic,
};

use crate::{ids, limits, messages};

/// Longest reason, in characters.
pub(super) const REASON: usize = 500;

/// A backend's report.
pub(crate) struct Report {
    message_id: u64,
    status: DeliveryStatus,
    error: String,
}

impl Report {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ReportDeliveryStatusRequest) -> Result<Self, Error> {
        let status = request.status();
        if status == DeliveryStatus::Unspecified {
            return Err(Error::invalid("status", "is required"));
        }
        limits::text("error", &request.error, REASON)?;
        let failed = status == DeliveryStatus::Failed;
        let error = if failed { request.error } else { String::new() };
        Ok(Self { message_id: request.message_id, status, error })
    }

    /// Notes it, unless the message is that far already.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<ReportDeliveryStatusResponse, Error> {
        let not_found = || Error::not_found("message");
        let id = ids::message(self.message_id).ok_or_else(not_found)?;
        let message = messages::find(tx, id)?.ok_or_else(not_found)?;
        if !is_to_customer(&message) {
            return Err(Error::conflict("the message does not go to an outside customer"));
        }
        Ok(ReportDeliveryStatusResponse { changed: advance(tx, message, self.status, self.error)? })
    }
}

/// Whether a message is one of ours to an outside customer.
pub(super) fn is_to_customer(message: &Message) -> bool {
    message.conversation_kind() == ConversationKind::Support && message.author() != Author::Customer
}

/// Notes that a message to an outside customer got as far as `status`, and tells the conversation; false when it was that far
/// already. An `error` stays until there is another.
pub(super) fn advance(
    tx: &mut Tx<'_>,
    mut message: Message,
    status: DeliveryStatus,
    error: String,
) -> Result<bool, Error> {
    if !is_step(message.delivery_status(), status) {
        return Ok(false);
    }
    message.set_delivery_status(status);
    if !error.is_empty() {
        message.delivery_error = error;
    }
    tell(tx, message)?;
    Ok(true)
}

/// Notes that a message that failed waits again, because a person had its delivery tried anew. The one step back there is.
pub(super) fn begin_again(tx: &mut Tx<'_>, mut message: Message) -> Result<(), Error> {
    if message.delivery_status() != DeliveryStatus::Failed {
        return Ok(());
    }
    message.set_delivery_status(DeliveryStatus::Pending);
    message.delivery_error.clear();
    tell(tx, message)
}

/// Lets a message that was deleted wait no longer for its channel. Should it have been on its way just then, a report says so.
pub(crate) fn let_go(tx: &Tx<'_>, message: &mut Message) -> Result<(), Error> {
    if message.delivery_status() != DeliveryStatus::Pending {
        return Ok(());
    }
    message.set_delivery_status(DeliveryStatus::Unspecified);
    messages::update_delivery(tx, message)
}

fn tell(tx: &mut Tx<'_>, message: Message) -> Result<(), Error> {
    messages::update_delivery(tx, &message)?;
    let body = event::Body::DeliveryStatusChanged(DeliveryStatusChanged {
        message_id: message.id,
        conversation_id: message.conversation_id.clone(),
        status: message.delivery_status,
        error: message.delivery_error,
    });
    tx.append(Source::Chat, Topic::Conversation(&message.conversation_id), body).map(drop)
}

/// Whether a message gets further by going from one status to another. What has arrived cannot fail any more, and what has
/// failed stays so.
fn is_step(from: DeliveryStatus, to: DeliveryStatus) -> bool {
    match (from, to) {
        (DeliveryStatus::Delivered | DeliveryStatus::Read, DeliveryStatus::Failed) => false,
        (from, to) => i32::from(to) > i32::from(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_never_goes_backwards() {
        use DeliveryStatus::{Delivered, Failed, Pending, Read, Sent, Unspecified};
        for (from, to, step) in [
            (Unspecified, Sent, true),
            (Pending, Sent, true),
            (Pending, Failed, true),
            (Sent, Failed, true),
            (Sent, Sent, false),
            (Read, Delivered, false),
            (Delivered, Failed, false),
            (Read, Failed, false),
            (Failed, Sent, false),
            (Failed, Failed, false),
        ] {
            assert_eq!(is_step(from, to), step, "{from:?} → {to:?}");
        }
    }
}
