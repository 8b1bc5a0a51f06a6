//! A frontend: it writes, reads, and comes back with `since` whenever its socket is lost. A backend that sends by gRPC beside it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use anyhow::{Context, bail};
use causeway_link::grpc::Service;
use causeway_proto::chat::{SendMessageRequest, chat_client::ChatClient};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use turmoil::net::TcpStream;

use crate::{
    hosts::{BRIDGES, Site, Ways, credential, token},
    ledger::Pen,
    net,
    options::Control,
    plan,
    tongue::{self, TONGUES, Tongue},
};

const HANDSHAKE: Duration = Duration::from_secs(5);
/// After so much silence a client asks whether anybody is there, and after this it goes elsewhere.
const PING: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(4);
const GLANCE: Duration = Duration::from_millis(50);
/// Messages of one writer without an answer.
const WINDOW: usize = 4;

/// What all clients and their judge share.
#[derive(Default)]
pub(crate) struct Company {
    /// Whether the rooms are made.
    pub(crate) is_furnished: Cell<bool>,
    /// Whether new messages are sent.
    pub(crate) is_writing: Cell<bool>,
    pub(crate) is_over: Cell<bool>,
    /// Since when everybody has an event id to come back with. Nothing is broken before.
    pub(crate) ready_at: Cell<Option<Duration>>,
    /// How many messages each client was shown, and how many of its own are without an answer.
    pub(crate) progress: RefCell<BTreeMap<String, (usize, usize)>>,
    /// Sockets that each client has opened.
    pub(crate) connects: RefCell<BTreeMap<String, u64>>,
    /// Clients that were told that history is lost.
    pub(crate) lost: Cell<u64>,
    pub(crate) complaint: RefCell<String>,
}

/// A client.
pub(crate) struct Client {
    site: Rc<Site>,
    company: Rc<Company>,
    user: String,
    room: String,
    writes: bool,
    tongue: &'static Tongue,
    pen: Pen,
    /// The id of the last event that it was shown.
    position: String,
    waiting: VecDeque<String>,
    sent: u64,
    seen: usize,
    /// How often something was sent, for a control.
    tries: u64,
    next_at: Instant,
    again_at: Option<Instant>,
}

impl Client {
    pub(crate) fn new(
        site: Rc<Site>,
        company: Rc<Company>,
        (room, place, writes): (usize, usize, bool),
        mut pen: Pen,
    ) -> anyhow::Result<Self> {
        let (user, room) = (plan::client(room, place), plan::room(room));
        pen.from(&room, 0)?;
        let tongue = if writes { 0 } else { place % TONGUES.len() };
        company.progress.borrow_mut().insert(user.clone(), (0, 0));
        Ok(Self {
            site,
            company,
            user,
            room,
            writes,
            tongue: &TONGUES[tongue],
            pen,
            position: String::new(),
            waiting: VecDeque::new(),
            sent: 0,
            seen: 0,
            tries: 0,
            next_at: Instant::now(),
            again_at: None,
        })
    }

    /// Opens sockets, one after the other, until it is over.
    pub(crate) async fn live(mut self) -> anyhow::Result<()> {
        let mut turn = rand::random_range(0..BRIDGES.len());
        while !self.company.is_furnished.get() {
            sleep(GLANCE).await;
        }
        while !self.company.is_over.get() {
            turn += 1;
            if let Err(error) = self.session(BRIDGES[turn % BRIDGES.len()]).await {
                tracing::debug!(user = self.user, error = format!("{error:#}"), "a socket is lost");
                *self.company.complaint.borrow_mut() = format!("{}: {error:#}", self.user);
            }
            if self.site.plan.control == Some(Control::NoSince) {
                self.position.clear();
            }
            sleep(Duration::from_millis(rand::random_range(40..200))).await;
        }
        Ok(())
    }

    async fn session(&mut self, bridge: &str) -> anyhow::Result<()> {
        let Self { room, position, user, .. } = self;
        let path = format!("{}?since={position}&token={}", self.tongue.path(room), token(user)?);
        let opening = async {
            let stream = TcpStream::connect((bridge, net::DOOR)).await?;
            anyhow::Ok(client_async(format!("ws://{bridge}:{}{path}", net::DOOR), stream).await?.0)
        };
        let mut socket = timeout(HANDSHAKE, opening).await.context("no handshake in time")??;
        tracing::info!(user, bridge, since = position, "connected");
        *self.company.connects.borrow_mut().entry(user.clone()).or_default() += 1;
        self.again_at = Some(Instant::now());
        let (mut heard, mut is_asked) = (Instant::now(), false);
        while !self.company.is_over.get() {
            self.speak(&mut socket).await?;
            match timeout(GLANCE, socket.next()).await {
                Ok(Some(Ok(message))) => {
                    (heard, is_asked) = (Instant::now(), false);
                    match message {
                        Message::Text(text) => self.hear(&serde_json::from_str(&text)?)?,
                        Message::Close(frame) => {
                            bail!("closed with {:?}", frame.map(|frame| u16::from(frame.code)))
                        }
                        _ => {}
                    }
                }
                Ok(Some(Err(error))) => return Err(error.into()),
                Ok(None) => bail!("gone"),
                Err(_) if heard.elapsed() > PATIENCE => bail!("silence"),
                Err(_) if heard.elapsed() > PING && !is_asked => {
                    is_asked = true;
                    say(&mut socket, &json!({"type": "ping"})).await?;
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Sends what it has to say and may.
    async fn speak(&mut self, socket: &mut WebSocketStream<TcpStream>) -> anyhow::Result<()> {
        if self.again_at.is_some_and(|at| at <= Instant::now()) {
            self.again_at = None;
            for place in 0..self.waiting.len() {
                let frame = self.frame(place);
                say(socket, &frame).await?;
            }
        }
        while self.may_write() {
            let key = format!("{}-{}", self.user, self.sent);
            self.sent += 1;
            self.next_at = Instant::now() + self.site.plan.pace;
            self.pen.attempt(&self.room, &key)?;
            self.waiting.push_back(key);
            self.note();
            let times = if rand::random_bool(self.site.plan.twice) { 2 } else { 1 };
            for _ in 0..times {
                let frame = self.frame(self.waiting.len() - 1);
                say(socket, &frame).await?;
            }
        }
        Ok(())
    }

    fn frame(&mut self, place: usize) -> Value {
        let key = &self.waiting[place];
        self.tries += 1;
        let id = match self.site.plan.control {
            Some(Control::NoKeys) => format!("{key}-{}", self.tries),
            Some(Control::LyingBus | Control::NoSince) | None => key.clone(),
        };
        json!({"type": "message", "content": key, "client_message_id": id})
    }

    fn may_write(&self) -> bool {
        self.writes
            && self.company.is_writing.get()
            && self.waiting.len() < WINDOW
            && self.again_at.is_none()
            && self.next_at <= Instant::now()
    }

    fn hear(&mut self, frame: &Value) -> anyhow::Result<()> {
        let event_id = frame["event_id"].as_str();
        if let Some(message) = self.tongue.message(frame) {
            self.message(message, event_id.is_some())?;
        } else if [&frame["code"], &frame["data"]["code"], &frame["error"]]
            .contains(&&Value::from("history_lost"))
        {
            self.company.lost.set(self.company.lost.get() + 1);
        } else if frame["type"] == "error" {
            self.again_at.get_or_insert(Instant::now() + Duration::from_millis(rand::random_range(50..300)));
        }
        if let Some(event_id) = event_id {
            event_id.clone_into(&mut self.position);
        }
        Ok(())
    }

    /// A message that happened when there is an event id, else the answer to one that was sent again.
    fn message(&mut self, message: &Value, happened: bool) -> anyhow::Result<()> {
        let (key, id) = (message["content"].as_str().unwrap_or_default(), tongue::id(message));
        if happened {
            self.pen.received(&self.room, key, id)?;
            self.seen += 1;
        }
        if message["sender_id"] == self.user {
            self.pen.acknowledged(&self.room, key, id)?;
            self.waiting.retain(|waiting| waiting != key);
        }
        self.note();
        Ok(())
    }

    fn note(&self) {
        self.company.progress.borrow_mut().insert(self.user.clone(), (self.seen, self.waiting.len()));
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, frame: &Value) -> anyhow::Result<()> {
    let sending = socket.send(Message::text(frame.to_string()));
    Ok(timeout(HANDSHAKE, sending).await.context("the peer does not read")??)
}

/// A backend that sends messages to a room, each until it is acknowledged.
pub(crate) async fn backend(site: Rc<Site>, company: Rc<Company>, mut pen: Pen) -> anyhow::Result<()> {
    let ways = Ways::of("backend");
    let link = ways.to(Service::Chat)?;
    let mut chat = ChatClient::new(link.grpc(credential()?));
    let room = plan::room(0);
    let mut sent = 0;
    while !company.is_over.get() {
        sleep(site.plan.pace).await;
        if !company.is_writing.get() {
            continue;
        }
        let key = format!("backend-{sent}");
        sent += 1;
        pen.attempt(&room, &key)?;
        company.progress.borrow_mut().insert("backend".into(), (usize::MAX, 1));
        loop {
            let mut request = tonic::Request::new(SendMessageRequest {
                conversation_id: room.clone(),
                sender_id: plan::client(0, 0),
                content: key.clone(),
                client_message_id: key.clone(),
                ..Default::default()
            });
            request.set_timeout(Duration::from_secs(4));
            match timeout(Duration::from_secs(5), chat.send_message(request)).await {
                Ok(Ok(answer)) => {
                    let id = answer.into_inner().message.map_or(0, |message| message.id);
                    pen.acknowledged(&room, &key, id)?;
                    break;
                }
                Ok(Err(status)) => tracing::debug!(key, %status, "not sent"),
                Err(_) => tracing::debug!(key, "no answer"),
            }
            sleep(Duration::from_millis(rand::random_range(50..500))).await;
        }
        company.progress.borrow_mut().insert("backend".into(), (usize::MAX, 0));
    }
    Ok(())
}
