//! What was said between each customer and whoever answers, as they know it and as it is stored.

use std::collections::{BTreeMap, HashSet};

use causeway_proto::chat::{
    Author, Conversation, ListConversationsRequest, ListMessagesRequest, chat_client::ChatClient,
};
use futures_util::FutureExt;

use crate::stage::Scene;

/// What is known of a customer.
#[derive(Default, Clone)]
pub(super) struct Book {
    /// How many messages were written, and how many of them are settled.
    pub(super) written: usize,
    pub(super) settled: usize,
    /// What was neither accepted nor known before.
    pub(super) refused: Option<String>,
    /// How many answers were sent, and how many of them are stored.
    pub(super) answered: usize,
    pub(super) stored: usize,
    /// The answers that were handed on, in that order, with what was handed on again.
    pub(super) handed: Vec<usize>,
    /// Those that were handed on again without a word that they may have been before.
    pub(super) unmarked: usize,
}

impl Book {
    /// Whether nothing of it is under way.
    pub(super) fn is_finished(&self) -> bool {
        let is_handed = self.once().len() >= self.stored;
        self.written == self.settled && self.answered == self.stored && is_handed
    }

    /// What was handed on, each once.
    pub(super) fn once(&self) -> Vec<usize> {
        let mut seen = HashSet::new();
        self.handed.iter().copied().filter(|number| seen.insert(*number)).collect()
    }
}

impl std::fmt::Display for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { written, settled, answered, stored, .. } = self;
        let handed = self.once().len();
        write!(f, "{settled} of {written} settled, {stored} of {answered} answers stored, {handed} handed on")
    }
}

/// The conversation of each customer, by name.
pub(super) async fn conversations(scene: &Scene) -> anyhow::Result<BTreeMap<String, String>> {
    let request =
        ListConversationsRequest { user_id: super::OPERATOR.into(), limit: 100, ..Default::default() };
    let found = ChatClient::new(scene.grpc.clone()).list_conversations(request).boxed().await?.into_inner();
    let named = |it: Conversation| Some((it.customer?.first_name, it.id));
    Ok(found.conversations.into_iter().filter_map(named).collect())
}

/// What is stored of each customer's conversation: what the customer wrote, and the answers.
pub(super) async fn history(scene: &Scene) -> anyhow::Result<BTreeMap<String, (Vec<usize>, Vec<usize>)>> {
    let mut all = BTreeMap::new();
    for (name, conversation_id) in conversations(scene).await? {
        let (mut pages, mut before) = (Vec::new(), None);
        loop {
            let (conversation_id, limit) = (conversation_id.clone(), 100);
            let request = ListMessagesRequest { conversation_id, before, limit, ..Default::default() };
            let page = ChatClient::new(scene.grpc.clone()).list_messages(request).await?.into_inner();
            before = page.messages.first().map(|message| message.id);
            pages.push(page.messages);
            if !page.has_more {
                break;
            }
        }
        let messages: Vec<_> = pages.into_iter().rev().flatten().collect();
        let by = |is_customer: bool| {
            let those = messages.iter().filter(|it| (it.author() == Author::Customer) == is_customer);
            those.map(|it| it.content.parse().unwrap_or(usize::MAX)).collect::<Vec<_>>()
        };
        all.insert(name, (by(true), by(false)));
    }
    Ok(all)
}
