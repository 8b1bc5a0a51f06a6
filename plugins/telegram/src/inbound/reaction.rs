//! Reactions to messages.

use causeway_plugin_sdk::proto::plugin::{MessageReaction, inbound_event::Body};
use frankenstein::types::{MessageReactionUpdated, ReactionType};
use serde_json::Value;

use super::{Said, not_private, parse, unknown_in};

/// Longest reaction that the host takes, in characters.
const MAX_REACTION: usize = 32;

/// A customer reacts otherwise than before: what went, then what came.
pub(super) fn changed(kind: &str, content: Value) -> Result<Said, String> {
    let update: MessageReactionUpdated = parse(kind, content)?;
    if let Some(elsewhere) = not_private(kind, &update.chat) {
        return Ok(elsewhere);
    }
    let (before, now) = (names(&update.old_reaction), names(&update.new_reaction));
    let (chat, message_id) = (update.chat.id.to_string(), update.message_id.to_string());
    let said = |reaction: &String, added| {
        let (customer_id, message_id) = (chat.clone(), message_id.clone());
        Body::MessageReaction(MessageReaction { customer_id, message_id, reaction: reaction.clone(), added })
    };
    let gone = before.iter().filter(|reaction| !now.contains(reaction)).map(|reaction| said(reaction, false));
    let come = now.iter().filter(|reaction| !before.contains(reaction)).map(|reaction| said(reaction, true));
    let bodies: Vec<Body> = gone.chain(come).collect();
    if bodies.is_empty() {
        return Ok(unknown_in(&format!("{kind} without a change"), chat, Some(update.date)));
    }
    Ok(Said { chat, date: Some(update.date), bodies })
}

fn names(reactions: &[ReactionType]) -> Vec<String> {
    reactions.iter().map(name).collect()
}

/// The emoji; one of a user's own making has an id alone.
fn name(reaction: &ReactionType) -> String {
    let name = match reaction {
        ReactionType::Emoji(emoji) => emoji.emoji.clone(),
        ReactionType::CustomEmoji(emoji) => format!("custom:{}", emoji.custom_emoji_id),
        ReactionType::Paid(_) => "paid".to_owned(),
    };
    name.chars().take(MAX_REACTION).collect()
}
