//! The host of one service's plugins: who is attached, and who takes whose place.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use causeway_proto::plugin::{AttachRequest, AttachResponse, PluginKind, Typing};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, Streaming};

use super::{Desk, answers::Answers, dismissal::Dismissal, hello::Greeting, lease, pace::Pace, session::Session};
use crate::{outbox, part::Context, store::Store};

/// Instances whose place another has taken, of which the host remembers this many.
const FORMER: usize = 64;

/// How plugins are hosted.
#[derive(Debug, Clone)]
pub struct Options {
    /// Events that a plugin may send before the first is settled.
    pub event_credit: u32,
    /// How long a plugin may have a delivery in hand without a word.
    pub lease: Duration,
    /// How long a plugin may go on with what it has in hand when it is asked to go.
    pub grace: Duration,
    /// How deliveries are tried again, and when they are given up.
    pub retry: outbox::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            event_credit: 1_024,
            lease: Duration::from_secs(120),
            grace: Duration::from_secs(5),
            retry: outbox::Options {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(300),
                attempts: Some(15),
                ..outbox::Options::default()
            },
        }
    }
}

/// The host of a service's plugins. Cloning is cheap.
#[derive(Clone)]
pub struct Host {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) service: &'static str,
    pub(super) store: Store,
    pub(super) desk: Box<dyn Desk>,
    pub(super) options: Options,
    pub(super) stop: CancellationToken,
    tasks: TaskTracker,
    attached: Mutex<Attached>,
    /// One plugin attaches at a time: who comes second finds the first.
    door: tokio::sync::Mutex<()>,
    pub(super) pace: Pace,
}

#[derive(Default)]
struct Attached {
    live: HashMap<String, Live>,
    former: VecDeque<String>,
}

/// A plugin that is attached, as others see it.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) instance: String,
    pub(super) gauges: Arc<Gauges>,
    typing: Option<mpsc::Sender<Typing>>,
    dismiss: watch::Sender<Option<Dismissal>>,
    ended: CancellationToken,
}

/// What is told of an attached plugin.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) event_credit: AtomicU32,
    pub(super) delivery_credit: AtomicU32,
    /// Milliseconds between when the newest event happened and when it was applied; -1 before the first.
    pub(super) event_lag_ms: AtomicI64,
}

impl Host {
    /// Hosts the plugins of `service`, whose store has what is owed to them.
    pub fn new(
        service: &'static str,
        store: Store,
        desk: impl Desk,
        options: Options,
        context: &Context,
    ) -> Self {
        let inner = Inner {
            service,
            store,
            desk: Box::new(desk),
            options,
            stop: context.closing.clone(),
            tasks: context.tasks.clone(),
            attached: Mutex::default(),
            door: tokio::sync::Mutex::default(),
            pace: Pace::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether plugins of that kind attach here.
    pub(super) fn serves(&self, kind: PluginKind) -> bool {
        self.inner.desk.kinds().contains(&kind)
    }

    /// Somebody writes into the store and waits for it: plugins, which have time, make way.
    pub fn somebody_writes(&self) {
        self.inner.pace.make_way(Instant::now());
    }

    /// Shows a customer that somebody types, where the plugin is attached and can. Lost when it is busy: typing is said again.
    pub fn show_typing(&self, plugin: &str, typing: Typing) {
        if let Some(live) = self.attached().live.get(plugin)
            && let Some(sender) = &live.typing
        {
            let _ = sender.try_send(typing);
        }
    }

    /// Attaches a plugin that has said who it is; what it is answered comes out of the receiver. Fails with `UNAVAILABLE` when
    /// the store does, and with `ABORTED` when another instance has taken this one's place.
    pub(super) async fn attach(
        &self,
        greeting: Greeting,
        requests: Streaming<AttachRequest>,
    ) -> Result<mpsc::Receiver<Result<AttachResponse, Status>>, Status> {
        let _door = self.inner.door.lock().await;
        self.make_way(&greeting).await?;
        let begun = lease::begin(&self.inner, &greeting.hello).await?;
        let (answers, told) = Answers::open();
        let (typing, typings) = mpsc::channel(16);
        let (dismiss, dismissal) = watch::channel(None);
        let live = Live {
            instance: greeting.hello.instance.clone(),
            gauges: Arc::new(Gauges { event_lag_ms: AtomicI64::new(-1), ..Gauges::default() }),
            typing: greeting.can.can_show_typing.then_some(typing),
            dismiss: dismiss.clone(),
            ended: CancellationToken::new(),
        };
        live.gauges.event_credit.store(self.inner.options.event_credit, Ordering::Relaxed);
        self.attached().live.insert(greeting.hello.name.clone(), live.clone());
        let session = Session {
            host: self.clone(),
            greeting,
            begun,
            gauges: live.gauges.clone(),
            answers,
            dismiss,
            dismissal,
            typings,
        };
        let (host, name) = (self.clone(), session.greeting.hello.name.clone());
        self.inner.tasks.spawn(async move {
            Box::pin(session.run(requests)).await;
            host.detach(&name, &live).await;
        });
        Ok(told)
    }

    /// Has an earlier attachment of the same plugin go, and waits until it has.
    async fn make_way(&self, greeting: &Greeting) -> Result<(), Status> {
        let (name, instance) = (&greeting.hello.name, &greeting.hello.instance);
        let earlier = {
            let attached = self.attached();
            let earlier = attached.live.get(name).cloned();
            if earlier.as_ref().is_some_and(|live| live.instance != *instance)
                && attached.former.contains(instance)
            {
                return Err(Status::aborted("another instance of the plugin is attached"));
            }
            earlier
        };
        let Some(earlier) = earlier else { return Ok(()) };
        if earlier.instance == *instance {
            // The same instance: its old connection is gone, and nothing comes over it any more.
            earlier.dismiss.send_replace(Some(Dismissal::Reconnected));
        } else {
            self.attached().remember_former(&earlier.instance);
            earlier.dismiss.send_replace(Some(Dismissal::Superseded));
        }
        earlier.ended.cancelled().await;
        Ok(())
    }

    /// Has a plugin go that may not attach any more.
    pub(super) fn dismiss(&self, plugin: &str) {
        if let Some(live) = self.attached().live.get(plugin) {
            live.dismiss.send_replace(Some(Dismissal::Removed));
        }
    }

    /// The attachment of a plugin, when there is one.
    pub(super) fn live(&self, plugin: &str) -> Option<Live> {
        self.attached().live.get(plugin).cloned()
    }

    async fn detach(&self, plugin: &str, live: &Live) {
        {
            let mut attached = self.attached();
            if attached.live.get(plugin).is_some_and(|it| Arc::ptr_eq(&it.gauges, &live.gauges)) {
                attached.live.remove(plugin);
            }
        }
        lease::end(&self.inner, plugin).await;
        live.ended.cancel();
    }

    fn attached(&self) -> MutexGuard<'_, Attached> {
        self.inner.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attached {
    fn remember_former(&mut self, instance: &str) {
        self.former.push_back(instance.to_owned());
        if self.former.len() > FORMER {
            self.former.pop_front();
        }
    }
}
