//! Who is attached to this process, as others see it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use causeway_proto::plugin::Typing;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{dismissal::Dismissal, gauges::Gauges};

/// A plugin that is attached. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) instance: String,
    pub(super) gauges: Arc<Gauges>,
    /// Where typing goes; `None` when the plugin cannot show it.
    pub(super) typing: Option<mpsc::Sender<Typing>>,
    pub(super) dismissal: watch::Sender<Option<Dismissal>>,
    /// Cancelled when the attachment is over, and its place free.
    pub(super) ended: CancellationToken,
}

impl Live {
    /// Calls the plugin away, unless it is already.
    pub(super) fn dismiss(&self, why: Dismissal) {
        self.dismissal.send_if_modified(|dismissal| {
            let is_first = dismissal.is_none();
            dismissal.get_or_insert(why);
            is_first
        });
    }

    /// Passes typing on, unless the plugin is busy or cannot show it.
    pub(super) fn show_typing(&self, typing: Typing) {
        if let Some(sender) = &self.typing {
            let _ = sender.try_send(typing);
        }
    }
}

/// The plugins that are attached to this process, by name.
#[derive(Default)]
pub(super) struct Attached(Mutex<HashMap<String, Live>>);

impl Attached {
    pub(super) fn get(&self, plugin: &str) -> Option<Live> {
        self.lock().get(plugin).cloned()
    }

    pub(super) fn join(&self, plugin: &str, live: &Live) {
        self.lock().insert(plugin.to_owned(), live.clone());
    }

    /// Forgets an attachment, unless another has taken its place.
    pub(super) fn leave(&self, plugin: &str, live: &Live) {
        let mut attached = self.lock();
        if attached.get(plugin).is_some_and(|other| Arc::ptr_eq(&other.gauges, &live.gauges)) {
            attached.remove(plugin);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
