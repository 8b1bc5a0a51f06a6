//! What can be wrong with a command, and what can keep a socket from opening.

/// Why a command was not carried out. A dialect turns it into its error frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault.
    pub code: Code,
    /// A sentence for people. It names the field where there is one, and never repeats what the client sent.
    pub message: String,
    /// The field at fault, as the dialect spells it.
    pub field: Option<String>,
    /// For [`Code::RateLimited`]: milliseconds until the next frame is taken.
    pub retry_after_ms: Option<u64>,
}

/// The codes of error frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not JSON, or not an object.
    InvalidJson,
    /// The frame's type is missing or not known here.
    UnknownType,
    /// A field is missing, mistyped or out of its limits.
    InvalidField,
    /// No such thing, or not for this user.
    NotFound,
    /// The user may see it but not do this.
    Forbidden,
    /// Too many frames.
    RateLimited,
    /// More than is taken at once.
    TooLarge,
    /// It is in a state in which this cannot be done.
    Conflict,
    /// Events between `since` and now are not kept any more.
    HistoryLost,
    /// A service behind the bridge is down; nothing was accepted; the frame may be sent again.
    Unavailable,
    /// A failure of ours.
    Internal,
}

impl Code {
    /// The code as it stands in frames and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::UnknownType => "unknown_type",
            Self::InvalidField => "invalid_field",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::TooLarge => "too_large",
            Self::Conflict => "conflict",
            Self::HistoryLost => "history_lost",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl Fault {
    /// A fault without a field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: None, retry_after_ms: None }
    }

    /// A field that is missing or wrong; `problem` goes on after the field's name, for example "is required".
    pub fn field(field: &str, problem: &str) -> Self {
        Self {
            code: Code::InvalidField,
            message: format!("{field} {problem}"),
            field: Some(field.to_owned()),
            retry_after_ms: None,
        }
    }
}

/// Why a socket is not opened. Each dialect has its own way to say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No token in any of the places.
    NoToken,
    /// Not a token, a bad signature, a wrong algorithm or audience, or a token in two places.
    InvalidToken,
    /// A good token whose time is over.
    ExpiredToken,
    /// No such conversation, or not of the kind that the path is for.
    NotFound,
    /// The conversation exists and the user is not in it.
    NotParticipant,
    /// The path names another user.
    WrongUser,
    /// The user may not connect.
    Inactive,
    /// A service that is needed does not answer.
    Unavailable,
    /// The bridge takes no more sockets, from this user or at all.
    Overloaded,
}

/// How a dialect refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Before the upgrade, with this HTTP status and `{"detail": …}`.
    Http(u16, &'static str),
    /// After the upgrade, by closing at once with this code and reason.
    Close(u16, &'static str),
}
