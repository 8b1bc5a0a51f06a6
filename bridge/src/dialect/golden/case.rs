//! The kinds of cases and how each is run.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Shown, sample, show};
use crate::{
    command::Reply,
    dialect::{Dialect, Room},
    fault::{Code, Fault, Refusal, Refused},
};

/// A frame from a client, as JSON or as text that is none, and what it becomes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InCase<'a> {
    room: String,
    #[serde(borrow)]
    frame: Option<&'a RawValue>,
    text: Option<String>,
    command: Option<Value>,
    fault: Option<Value>,
}

impl InCase<'_> {
    pub(super) fn run(self, dialect: Dialect, place: &str, shown: &mut Shown) {
        let text =
            self.text.as_deref().or(self.frame.map(RawValue::get)).expect("a case has a frame or a text");
        let decoded = dialect.translator().decode(room(&self.room), text);
        let (command, fault) = match decoded {
            Ok(command) => {
                shown.insert(format!("command {}", show::name(&command)));
                (Some(show::command(&command)), None)
            }
            Err(fault) => (None, Some(show::fault(&fault))),
        };
        assert_eq!((&command, &fault), (&self.command, &self.fault), "{place}");
    }
}

/// Something that happened, by the name of its sample, and the frames that tell of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutCase<'a> {
    room: String,
    event: Option<String>,
    #[serde(default)]
    own: bool,
    reply: Option<String>,
    fault: Option<GivenFault>,
    #[serde(borrow)]
    frames: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenFault {
    code: String,
    message: String,
    field: Option<String>,
    retry_after_ms: Option<u64>,
}

impl OutCase<'_> {
    pub(super) fn run(self, dialect: Dialect, place: &str, shown: &mut Shown) {
        let (translator, room) = (dialect.translator(), room(&self.room));
        let (words, frames) = match (&self.event, &self.reply, self.fault) {
            (Some(name), None, None) => {
                let event = sample::event(name);
                (event_words(room, &event), translator.event(room, &event, self.own))
            }
            (None, Some(name), None) => {
                let reply = sample::reply(name);
                (reply_words(&reply), translator.reply(room, &reply).into_iter().collect())
            }
            (None, None, Some(GivenFault { code, message, field, retry_after_ms })) => {
                let fault = Fault { code: code_named(&code), message, field, retry_after_ms };
                (format!("fault {code}"), vec![translator.fault(&fault)])
            }
            _ => unreachable!("{place}: a case starts from one thing"),
        };
        if !frames.is_empty() {
            shown.insert(words);
        }
        let expected: Vec<_> = self.frames.iter().map(|frame| compact(frame.get())).collect();
        assert_eq!(frames, expected, "{place}");
    }
}

/// How a socket is refused: an HTTP status before the upgrade, or a close after it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefusalCase {
    refusal: String,
    http: Option<u16>,
    close: Option<u16>,
    reason: String,
}

impl RefusalCase {
    pub(super) fn run(self, dialect: Dialect, place: &str, shown: &mut Shown) {
        let refusal = REFUSALS.iter().find(|refusal| format!("{refusal:?}") == self.refusal);
        let refused = dialect.translator().refuse(*refusal.expect("the refusal exists"));
        let (http, close, reason) = match refused {
            Refused::Http(status, detail) => (Some(status), None, detail),
            Refused::Close(code, reason) => (None, Some(code), reason),
        };
        assert_eq!((http, close, reason), (self.http, self.close, self.reason.as_str()), "{place}");
        shown.insert(format!("refusal {}", self.refusal));
    }
}

/// A path and what a socket on it is attached to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteCase {
    path: String,
    room: String,
    successors: Option<[String; 2]>,
}

impl RouteCase {
    pub(super) fn run(self, dialect: Dialect, place: &str, shown: &mut Shown) {
        let route = dialect.translator().routes().iter().find(|route| route.path == self.path);
        let route = route.expect("the route exists");
        assert_eq!(route.room, room(&self.room), "{place}");
        assert_eq!(route.successors.map(|paths| paths.map(str::to_owned)), self.successors, "{place}");
        shown.insert(format!("route {}", self.path));
    }
}

/// All of them.
pub(super) const REFUSALS: [Refusal; 9] = [
    Refusal::NoToken,
    Refusal::InvalidToken,
    Refusal::ExpiredToken,
    Refusal::NotFound,
    Refusal::NotParticipant,
    Refusal::WrongUser,
    Refusal::Inactive,
    Refusal::Unavailable,
    Refusal::Overloaded,
];

/// All of them.
pub(super) const CODES: [Code; 11] = [
    Code::InvalidJson,
    Code::UnknownType,
    Code::InvalidField,
    Code::NotFound,
    Code::Forbidden,
    Code::RateLimited,
    Code::TooLarge,
    Code::Conflict,
    Code::HistoryLost,
    Code::Unavailable,
    Code::Internal,
];

fn code_named(name: &str) -> Code {
    *CODES.iter().find(|code| code.as_str() == name).expect("the code exists")
}

/// What showing an event in a room is called.
pub(super) fn event_words(room: Room, event: &causeway_proto::event::Event) -> String {
    let body = event.body.as_ref().expect("a sample has a body");
    format!("event {} in {}", show::variant(body), show::variant(&room))
}

/// What showing a reply is called.
pub(super) fn reply_words(reply: &Reply) -> String {
    format!("reply {}", show::variant(reply))
}

fn room(name: &str) -> Room {
    *show::ROOMS.iter().find(|(known, _)| *known == name).map(|(_, room)| room).expect("the room exists")
}

/// The JSON without the white space between its parts.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let significant = |c: &char| {
        let keep = quoted || !c.is_ascii_whitespace();
        if *c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = *c == '\\' && !escaped;
        keep
    };
    json.chars().filter(significant).collect()
}
