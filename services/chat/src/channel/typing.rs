//! Where to show that somebody of ours types.

use causeway_kit::{Error, store::Reader};
use causeway_proto::id::Given;

use super::customers::{self, Channel};
use crate::seats;

/// The channel of the customer for whom a user types; `None` when the customer is none of a plugin's, or types. `NOT_FOUND`
/// when the user is not in the conversation.
pub(crate) fn find(
    reader: &Reader<'_>,
    conversation: &Given,
    user: &Given,
) -> Result<Option<Channel>, Error> {
    let seat = seats::take(reader, conversation, user)?;
    if seat.is_customer() {
        return Ok(None);
    }
    customers::of_conversation(reader, &seat.conversation.id)
}
