//! Many messages in one write job, each with an outcome of its own.

use causeway_kit::{Error, store::Tx};
use causeway_proto::chat::{
    SendFailure, SendMessageOutcome, SendMessagesRequest, SendMessagesResponse, send_message_outcome::Outcome,
};

use crate::{away::Owed, draft::Draft, send, settings::Settings};

/// Most messages in a batch.
const MESSAGES: usize = 256;

/// Messages to send in the order given. What is wrong with one is told at its place.
pub(crate) struct Batch {
    drafts: Vec<Result<Draft, Error>>,
}

impl Batch {
    /// Checks each message as far as it can be without the store.
    pub(crate) fn read(request: SendMessagesRequest, allow_http: bool) -> Result<Self, Error> {
        if !(1..=MESSAGES).contains(&request.messages.len()) {
            return Err(Error::invalid("messages", format!("must have 1 to {MESSAGES} entries")));
        }
        let drafts = request.messages.into_iter().map(|message| Draft::read(message, allow_http)).collect();
        Ok(Self { drafts })
    }

    /// Sends them. Fails as a whole when the store does: then none is stored.
    pub(crate) fn run(self, tx: &mut Tx<'_>, settings: &Settings) -> Result<SendMessagesResponse, Error> {
        let mut owed = Owed::new(settings.on_message);
        let mut outcomes = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            let outcome = match draft.and_then(|draft| send::send(tx, draft, settings, &mut owed)) {
                Ok(stored) => Outcome::Stored(stored),
                Err(error) => Outcome::Failure(refusal(error)?),
            };
            outcomes.push(SendMessageOutcome { outcome: Some(outcome) });
        }
        owed.write(tx)?;
        Ok(SendMessagesResponse { outcomes })
    }
}

/// What one message is refused for; an error that is not about the message is handed on.
fn refusal(error: Error) -> Result<SendFailure, Error> {
    let field = match &error {
        Error::InvalidField { field, .. } => field.clone().into_owned(),
        Error::NotFound(_) | Error::PermissionDenied(_) | Error::Conflict(_) | Error::AlreadyExists(_) => {
            String::new()
        }
        Error::Exhausted { .. } | Error::Unavailable(_) | Error::Stopping | Error::Internal(_) => {
            return Err(error);
        }
    };
    Ok(SendFailure { code: error.code().into(), message: error.to_string(), field })
}
