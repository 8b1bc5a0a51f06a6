//! The host of one service's plugins: who is let in, and who takes whose place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use causeway_proto::plugin::{AttachRequest, AttachResponse, PluginKind, Typing};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Status, Streaming};

use super::{
    Desk,
    answers::Answers,
    dismissal::{Dismissal, superseded},
    gauges::Gauges,
    hello::Greeting,
    in_hand::Begun,
    live::{Attached, Live},
    pace::Pace,
    place, registry,
    session::Session,
};
use crate::{
    lease::{Candidate, Held},
    outbox,
    part::Context,
    store::Store,
};

/// What a plugin is told: how it is refused, or where it is answered.
pub(super) type Answer = oneshot::Sender<Result<mpsc::Receiver<Result<AttachResponse, Status>>, Status>>;

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
    attached: Attached,
    doors: Doors,
    pub(super) pace: Pace,
}

/// One instance of a plugin attaches at a time: who comes second finds the first. There are as many doors as plugins that may
/// attach.
#[derive(Default)]
struct Doors(Mutex<HashMap<String, Door>>);

type Door = Arc<tokio::sync::Mutex<Candidate>>;

impl Doors {
    fn of(&self, store: &Store, plugin: &str) -> Door {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let door = || Arc::new(tokio::sync::Mutex::new(place::candidate(store, plugin)));
        doors.entry(plugin.to_owned()).or_insert_with(door).clone()
    }
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
            attached: Attached::default(),
            doors: Doors::default(),
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

    /// Shows a customer that somebody types, where the plugin is attached to any process and can. Lost when it is busy: typing is
    /// said again.
    pub fn show_typing(&self, plugin: &str, typing: Typing) {
        match self.live(plugin) {
            Some(live) => live.show_typing(typing),
            None if self.inner.store.is_shared() => {
                place::publish_typing(self.inner.store.bus(), plugin, &typing);
            }
            None => {}
        }
    }

    /// Attaches a plugin that has said who it is; what it is answered comes out of the receiver. Fails with `UNAVAILABLE` when
    /// the store does, and with `ABORTED` when another instance has taken this one's place.
    pub(super) async fn attach(
        &self,
        greeting: Greeting,
        requests: Streaming<AttachRequest>,
    ) -> Result<mpsc::Receiver<Result<AttachResponse, Status>>, Status> {
        let (answer, answered) = oneshot::channel();
        // In a task of its own, so that a place that is taken is given up also when the plugin goes meanwhile.
        let host = self.clone();
        self.inner.tasks.spawn(async move { Box::pin(host.host(greeting, requests, answer)).await });
        answered.await.unwrap_or_else(|_| Err(Dismissal::Stopping.into()))
    }

    /// Lets a plugin in, and hosts it until it goes.
    async fn host(self, greeting: Greeting, requests: Streaming<AttachRequest>, mut answer: Answer) {
        let name = greeting.hello.name.clone();
        let door = self.inner.doors.of(&self.inner.store, &name);
        let mut inside = door.lock().await;
        let (held, begun) = match self.let_in(&mut inside, &greeting, &mut answer).await {
            Ok(begun) => begun,
            Err(refusal) => {
                // Whoever has gone needs no answer.
                let _ = answer.send(Err(refusal));
                return;
            }
        };
        let (answers, told) = Answers::open();
        let (session, live) = self.session(greeting, begun, &held, answers.clone());
        self.inner.attached.join(&name, &live);
        drop(inside);
        let _ = answer.send(Ok(told));

        let measure = self.inner.store.metrics().plugins.of(&name);
        measure.attached(true);
        let attendance = place::attend(&self.inner, &name, &live, &held);
        let note = || live.gauges.read().note();
        if held.run_beside(Box::pin(session.run(requests)), attendance, note).await.is_none() {
            answers.end(Dismissal::Lost.into());
        }
        measure.attached(false);
        self.inner.attached.leave(&name, &live);
        held.release_with(move |tx| registry::detach(tx, &name)).await;
        live.ended.cancel();
    }

    /// Gets a plugin its place: has whoever has it go, and waits until it has.
    async fn let_in(
        &self,
        candidate: &mut Candidate,
        greeting: &Greeting,
        answer: &mut Answer,
    ) -> Result<(Held, Begun), Status> {
        if answer.is_closed() {
            return Err(Status::cancelled("the plugin has gone"));
        }
        self.make_way(greeting).await?;
        place::take(&self.inner, candidate, &greeting.hello, answer).await
    }

    /// Has an earlier attachment of the same plugin to this process go, and waits until it has.
    async fn make_way(&self, greeting: &Greeting) -> Result<(), Status> {
        let (name, instance) = (greeting.hello.name.clone(), greeting.hello.instance.clone());
        let Some(earlier) = self.live(&name) else { return Ok(()) };
        if earlier.instance == instance {
            // The same instance: its old connection is gone, and nothing comes over it any more.
            earlier.dismissal.send_replace(Some(Dismissal::Reconnected));
        } else {
            let there = earlier.instance.clone();
            let taken = self.inner.store.write(move |tx| registry::supersede(tx, &name, &there, &instance));
            if !taken.await? {
                return Err(superseded());
            }
            earlier.dismissal.send_replace(Some(Dismissal::Superseded));
        }
        earlier.ended.cancelled().await;
        Ok(())
    }

    fn session(&self, greeting: Greeting, begun: Begun, held: &Held, answers: Answers) -> (Session, Live) {
        let (typing, typings) = mpsc::channel(16);
        let (dismiss, dismissal) = watch::channel(None);
        let live = Live {
            instance: greeting.hello.instance.clone(),
            gauges: Arc::new(Gauges::new(self.inner.options.event_credit)),
            typing: greeting.can.can_show_typing.then_some(typing),
            dismissal: dismiss.clone(),
            ended: CancellationToken::new(),
        };
        let gauges = live.gauges.clone();
        let (host, fence) = (self.clone(), held.fence());
        (Session { host, greeting, begun, fence, gauges, answers, dismiss, dismissal, typings }, live)
    }

    /// Has a plugin go that may not attach any more, whichever process has it.
    pub(super) fn dismiss(&self, plugin: &str) {
        match self.live(plugin) {
            Some(live) => {
                live.dismissal.send_replace(Some(Dismissal::Removed));
            }
            None => place::wake(&self.inner.store, plugin),
        }
    }

    /// The attachment of a plugin to this process, when there is one.
    pub(super) fn live(&self, plugin: &str) -> Option<Live> {
        self.inner.attached.get(plugin)
    }
}
