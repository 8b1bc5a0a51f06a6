//! The most usual scene: Alice and Bob, each with a socket on the same group conversation.

use super::{causeway::Guest, client::Client, people::Person};
use crate::stage::Causeway;

/// Two people on one conversation. Alice is its admin.
pub(crate) struct Pair {
    /// The Causeway that they use.
    pub(crate) causeway: Guest,
    /// Id of the conversation.
    pub(crate) id: String,
    /// Alice.
    pub(crate) alice: Person,
    /// Bob.
    pub(crate) bob: Person,
    /// Alice's socket.
    pub(crate) alices: Client,
    /// Bob's socket.
    pub(crate) bobs: Client,
}

impl Pair {
    /// Both open `path`, in which `{id}` stands for the conversation.
    pub(crate) async fn on(path: &str) -> Self {
        let causeway = Causeway::shared().await;
        let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
        let id = causeway.group([&alice, &bob]).await;
        let path = path.replace("{id}", &id);
        let alices = causeway.client(&alice, &path).await;
        let bobs = causeway.client(&bob, &path).await;
        Self { causeway, id, alice, bob, alices, bobs }
    }
}
