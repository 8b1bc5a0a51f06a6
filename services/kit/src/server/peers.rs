//! Who calls: a caller that names itself must speak a protocol that we speak, and is told who we are and what time we have.

use causeway_proto::{
    peer::{PEER, Peer, TIME},
    time::Clock,
};
use http::{HeaderMap, HeaderValue, Response};
use tonic::Status;

/// Who we are, for callers that say who they are.
#[derive(Debug)]
pub(super) struct Peers {
    here: Peer,
    header: Option<HeaderValue>,
    /// The machine's, not one that follows another: whoever asks wants to know whether it is right.
    clock: Clock,
}

/// Whether the caller has named itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    is_named: bool,
}

impl Peers {
    pub(super) fn of(part: String) -> Self {
        let here = Peer::here(part);
        Self { header: here.header(), here, clock: Clock::default() }
    }

    /// Looks at who calls; `FAILED_PRECONDITION` that names both sides when they have no protocol in common.
    pub(super) fn meet(&self, headers: &HeaderMap) -> (Caller, Result<(), Status>) {
        let there = Peer::of(headers);
        let caller = Caller { is_named: there.is_some() };
        let met = there.map_or(Ok(()), |there| self.here.fits(&there));
        (caller, met.map_err(|misfit| Status::failed_precondition(misfit.to_string())))
    }

    /// Says on an answer who we are, and our time, to callers that named themselves.
    pub(super) fn sign<B>(&self, caller: Caller, response: &mut Response<B>) {
        if !caller.is_named {
            return;
        }
        if let Some(header) = &self.header {
            response.headers_mut().insert(PEER, header.clone());
        }
        response.headers_mut().insert(TIME, HeaderValue::from(self.clock.now_micros()));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(peer: Option<&str>) -> HeaderMap {
        let value = peer.and_then(|peer| HeaderValue::try_from(peer).ok());
        HeaderMap::from_iter(value.map(|value| (HeaderName::from_static(PEER), value)))
    }

    #[test]
    fn a_caller_of_another_protocol_is_refused_and_both_are_named() {
        let peers = Peers::of("chat".to_owned());
        let (_, met) = peers.meet(&headers(Some("bridge/9.9.9; protocol=77")));
        let refused = met.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
        let version = env!("CARGO_PKG_VERSION");
        for named in [&format!("chat {version}"), "bridge 9.9.9 (protocol 77)"] {
            assert!(refused.message().contains(named), "{}", refused.message());
        }
    }

    #[test]
    fn callers_without_a_name_are_let_in_and_told_nothing() {
        let peers = Peers::of("chat".to_owned());
        let (caller, met) = peers.meet(&headers(None));
        assert!(met.is_ok());
        let mut response = Response::new(());
        peers.sign(caller, &mut response);
        assert!(response.headers().is_empty());
    }

    #[test]
    fn callers_with_a_name_are_told_ours_and_our_time() {
        let peers = Peers::of("chat".to_owned());
        let (caller, met) = peers.meet(&headers(Some("bridge/0.1.0; protocol=1")));
        assert!(met.is_ok());
        let mut response = Response::new(());
        peers.sign(caller, &mut response);
        assert_eq!(Peer::of(response.headers()), Some(Peer::here("chat")));
        let time: i64 = response.headers()[TIME].to_str().unwrap().parse().unwrap();
        assert!((Clock::default().now_micros() - time).abs() < 5_000_000);
    }
}
