//! Reports on their way to the partition of their user.

use causeway_proto::{id, presence::SessionOpened};
use redis::ScriptInvocation;
use uuid::Uuid;

/// One report.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// A session is open. `is_known`: its user was online before Redis lost that.
    Opened { opened: SessionOpened, is_known: bool },
    /// A session is closed.
    Closed { session_id: String },
}

/// The user of a session.
pub(super) fn user(opened: &SessionOpened) -> Uuid {
    id::to_uuid(&opened.user_id)
}

impl Entry {
    /// Adds the eight texts that `report.lua` reads.
    pub(super) fn add_to(&self, call: &mut ScriptInvocation<'_>) {
        match self {
            Self::Opened { opened, is_known } => {
                let conversation = match opened.conversation_id.as_str() {
                    "" => String::new(),
                    id => id::to_uuid(id).to_string(),
                };
                call.arg("opened").arg(&opened.session_id).arg(user(opened).to_string());
                call.arg(&opened.user_id).arg(&opened.display_name);
                call.arg(conversation).arg(&opened.conversation_id).arg(if *is_known { "1" } else { "0" });
            }
            Self::Closed { session_id } => {
                call.arg("closed").arg(session_id).arg(&[""; 6][..]);
            }
        }
    }
}
