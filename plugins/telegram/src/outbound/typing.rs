//! Who was shown that we type, so that it is not said more often than it holds.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use causeway_plugin_sdk::proto::plugin::Typing;
use frankenstein::{AsyncTelegramApi, methods::SendChatActionParams, types::ChatAction};
use tokio::time::Instant;

use crate::account::Account;

/// Telegram shows it for five seconds.
const HOLDS: Duration = Duration::from_secs(4);
/// Chats that are remembered before those are forgotten where it does not hold any more.
const MANY: usize = 1024;

/// When typing was last said, by chat.
#[derive(Debug, Default)]
pub(crate) struct Typists(Mutex<HashMap<i64, Instant>>);

impl Typists {
    /// Notes that typing is said in a chat; false when what was said before still holds.
    fn note(&self, chat: i64, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(&chat).is_some_and(|at| now < *at + HOLDS) {
            return false;
        }
        if said.len() >= MANY {
            said.retain(|_, at| now < *at + HOLDS);
        }
        // Over it some chats are not shown that we type, which is the least of the worries then.
        said.len() < MANY && {
            said.insert(chat, now);
            true
        }
    }
}

/// Shows that we type. Telegram ends it by itself, and with the next message. Nothing is done about failures.
pub(crate) async fn show(account: &Account, typing: &Typing) {
    let Ok(chat) = typing.customer_id.parse::<i64>() else { return };
    if !typing.is_typing || !account.typists.note(chat, Instant::now()) || !account.pace.spare() {
        return;
    }
    let params = SendChatActionParams::builder().chat_id(chat).action(ChatAction::Typing).build();
    if let Err(error) = account.api.send_chat_action(&params).await {
        if let Some(wait) = error.refusal().and_then(|refusal| refusal.retry_after) {
            account.pace.pause(wait);
        }
        tracing::debug!(account = account.name, %error, "could not show that somebody types");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_is_said_once_while_it_holds() {
        let (typists, start) = (Typists::default(), Instant::now());
        assert!(typists.note(1, start));
        assert!(!typists.note(1, start + HOLDS / 2));
        assert!(typists.note(2, start + HOLDS / 2));
        assert!(typists.note(1, start + HOLDS));
    }

    #[test]
    fn the_chats_that_are_remembered_are_bounded() {
        let (typists, start) = (Typists::default(), Instant::now());
        for chat in 0..2000 {
            typists.note(chat, start);
        }
        assert!(typists.0.lock().unwrap().len() <= MANY);
        assert!(typists.note(3000, start + HOLDS));
    }
}
