//! Agents: told of what customers write, whatever their channel, and answering in the place of a person.

use causeway_kit::{
    Error,
    plugin_host::{Prepared, Verdict, names, owe},
    store::Tx,
};
use causeway_proto::{
    chat::{Author, ConversationKind, Message},
    plugin::{Answer, CustomerWrote, Delivery, PluginKind, delivery::Body},
};
use prost::Message as _;

use super::{
    files, guests,
    inbound::Origin,
    outbound::{Errand, Task},
};
use crate::{
    conversations,
    draft::Content,
    ids, limits,
    post::{self, Letter},
    seats,
    settings::Settings,
};

/// Owes each agent the word that a customer wrote `message`.
pub(crate) fn tell(tx: &mut Tx<'_>, message: &Message) -> Result<(), Error> {
    for agent in names(tx, PluginKind::Agent)? {
        let payload = Errand::new(message, Task::Tell)?.encode_to_vec();
        owe(tx, &agent, &message.conversation_id, "", payload)?;
    }
    Ok(())
}

/// What an agent is told of a message.
pub(super) fn told(message: Message) -> Prepared {
    let customer = message.customer.unwrap_or_default();
    let files = message.attachments.iter().map(|it| files::file(it, &message.content_type)).collect();
    let wrote = CustomerWrote {
        conversation_id: message.conversation_id,
        message_id: message.id,
        text: message.content,
        files,
        customer_name: customer.display_name(),
        source: customer.source,
        customer_user_id: customer.id,
    };
    let customer_wrote_at = message.created_at;
    let body = Some(Body::CustomerWrote(wrote));
    Prepared::Deliver {
        delivery: Box::new(Delivery { customer_wrote_at, body, ..Delivery::default() }),
        parts: 1,
    }
}

/// Stores what an agent answers to a customer; it goes out as what a person answers does.
pub(super) fn answer(
    tx: &mut Tx<'_>,
    from: &Origin<'_>,
    said: Answer,
    settings: &Settings,
) -> Result<Verdict, Error> {
    limits::filled("answer.text", &said.text, limits::CONTENT)?;
    let given = ids::read("answer.conversation_id", &said.conversation_id)?;
    let content = Content { text: said.text, ..Content::default() };
    let content = content.checked(settings.allow_http_attachments)?;
    let conversation = conversations::get(tx, &ids::conversation(tx, &given)?)?;
    if conversation.kind != ConversationKind::Support {
        return Err(Error::denied("an agent answers in support conversations"));
    }
    let seat = seats::guest(conversation, guests::agent(tx, from.plugin)?);
    let letter = Letter {
        author: if said.marketing { Author::Marketing } else { Author::Ai },
        content,
        reply_to: None,
        client_message_id: String::new(),
        has_gone_out: false,
    };
    post::post(tx, &seat, letter)?;
    Ok(Verdict::Accepted)
}
