//! Why a stream ended, and when to try again.

use std::{error::Error, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// How long a person is given before the host is asked again.
const PERSON: Duration = Duration::from_secs(30);
/// And when another instance has taken the place: two that take it from each other in turn help nobody.
const RIVAL: Duration = Duration::from_secs(120);
/// The longest wait that a host can ask for.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// How an attachment ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The plugin stops and everything is settled.
    Finished,
    /// The host asked the plugin to attach again.
    Drained,
    /// The host ended the stream without a word, or the network did.
    Lost,
    /// The host ended the stream with a status, or could not be reached.
    Status(Box<Status>),
    /// The host did not keep to the protocol.
    Breach(&'static str),
}

/// When to attach again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Now.
    AtOnce,
    /// After a pause of one's own.
    Soon,
    /// After the time that the host named.
    After(Duration),
    /// When a person may have done what is to be done.
    Person {
        /// That.
        advice: &'static str,
        /// How long they are given.
        pause: Duration,
    },
}

impl Ending {
    /// When to attach again; `None` when it is over.
    pub(super) fn again(&self) -> Option<Again> {
        match self {
            Self::Finished => None,
            Self::Drained => Some(Again::AtOnce),
            Self::Lost => Some(Again::Soon),
            Self::Status(status) => Some(of(status)),
            Self::Breach(_) => Some(Again::Person { advice: "update the host", pause: PERSON }),
        }
    }

    /// What it is when the host had a last word. A host that stops may say for how long, and one that has another instance says
    /// that this one need not come back; a plugin that stops itself does not care.
    pub(super) fn or_rather(self, last: Option<Self>) -> Self {
        match (self, last) {
            (Self::Drained, Some(last)) => last,
            (ending, _) => ending,
        }
    }

    /// What happened, for the log.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Finished => "the plugin stops".to_owned(),
            Self::Drained => "the host stops".to_owned(),
            Self::Lost => "the connection to the host was lost".to_owned(),
            Self::Status(status) => format!("{:?}: {}", status.code(), status.message()),
            Self::Breach(how) => (*how).to_owned(),
        }
    }
}

fn of(status: &Status) -> Again {
    let person = |advice| Again::Person { advice, pause: PERSON };
    match status.code() {
        Code::Unavailable => match status.get_details_retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => Again::After(delay.min(LONGEST)),
            None => Again::Soon,
        },
        // What the network did has its cause with it; what the host said has not.
        _ if status.source().is_some() => Again::Soon,
        Code::Ok | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded => Again::Soon,
        Code::Unauthenticated => person("give the plugin a credential that this host knows"),
        Code::PermissionDenied => person(
            "let the plugin in with `causeway plugin add`: its credential is for another name or kind, or was taken away",
        ),
        Code::FailedPrecondition => person(
            "attach the plugin to a host of its kind that speaks this version of the protocol, or update either",
        ),
        Code::Aborted => Again::Person {
            advice: "another instance of this plugin is attached: stop one of them",
            pause: RIVAL,
        },
        Code::Unimplemented | Code::NotFound => {
            person("correct the host's address: no plugins attach at this one")
        }
        Code::InvalidArgument | Code::ResourceExhausted | Code::OutOfRange => {
            person("update the plugin or the host: they do not understand each other")
        }
        Code::Internal | Code::DataLoss | Code::AlreadyExists => person("look into the host's log"),
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn ended(status: Status) -> Again {
        Ending::Status(Box::new(status)).again().unwrap()
    }

    #[test]
    fn a_host_that_is_away_is_asked_again_when_it_said() {
        let asked = |delay| {
            let details = ErrorDetails::with_retry_info(Some(delay));
            ended(Status::with_error_details(Code::Unavailable, "the host stops", details))
        };
        assert_eq!(asked(Duration::from_secs(2)), Again::After(Duration::from_secs(2)));
        assert_eq!(asked(Duration::from_secs(1 << 30)), Again::After(LONGEST));
        assert_eq!(ended(Status::unavailable("the host stops")), Again::Soon);
    }

    #[test]
    fn any_other_refusal_is_for_a_person() {
        for status in [
            Status::unauthenticated(""),
            Status::permission_denied(""),
            Status::failed_precondition(""),
            Status::invalid_argument(""),
            Status::resource_exhausted(""),
            Status::unimplemented(""),
            Status::internal(""),
        ] {
            assert!(matches!(ended(status), Again::Person { pause: PERSON, .. }));
        }
        assert!(matches!(ended(Status::aborted("")), Again::Person { pause: RIVAL, .. }));
    }

    #[test]
    fn a_host_that_drains_has_the_last_word() {
        let rival = || Some(Ending::Status(Box::new(Status::aborted("another instance has attached"))));
        assert!(matches!(Ending::Drained.or_rather(rival()).again(), Some(Again::Person { .. })));
        assert_eq!(Ending::Drained.or_rather(None).again(), Some(Again::AtOnce));
        assert_eq!(Ending::Finished.or_rather(rival()).again(), None);
    }

    #[test]
    fn what_the_network_did_is_for_nobody() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert_eq!(ended(Status::from_error(Box::new(broken))), Again::Soon);
        assert_eq!(Ending::Lost.again(), Some(Again::Soon));
    }
}
