//! How far messages to an outside customer got on the customer's channel.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        Author, ConversationKind, DeliveryStatus, DeliveryStatusChanged, ReportDeliveryStatusRequest,
        ReportDeliveryStatusResponse,
    },
    event::{Source, event},
    topic::Topic,
};

use crate::{ids, limits, messages};

/// Longest reason, in characters.
const REASON: usize = 500;

/// A channel's report.
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
        let mut message = messages::find(tx, id)?.ok_or_else(not_found)?;
        let to_customer =
            message.conversation_kind() == ConversationKind::Support && message.author() != Author::Customer;
        if !to_customer {
            return Err(Error::conflict("the message does not go to an outside customer"));
        }
        if !is_step(message.delivery_status(), self.status) {
            return Ok(ReportDeliveryStatusResponse { changed: false });
        }
        message.set_delivery_status(self.status);
        message.delivery_error = self.error;
        messages::update_delivery(tx, &message)?;
        let body = event::Body::DeliveryStatusChanged(DeliveryStatusChanged {
            message_id: message.id,
            conversation_id: message.conversation_id.clone(),
            status: message.delivery_status,
            error: message.delivery_error,
        });
        tx.append(Source::Chat, Topic::Conversation(&message.conversation_id), body)?;
        Ok(ReportDeliveryStatusResponse { changed: true })
    }
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
