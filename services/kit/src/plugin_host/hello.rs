//! Who is at the door: the credential, and whether Hello fits it.

use std::time::Duration;

use causeway_proto::plugin::{AttachRequest, Capabilities, Hello, PluginKind, attach_request::Message};
use tonic::{Status, Streaming, metadata::MetadataMap};
use tonic_types::StatusExt;

use super::{Host, credentials};

/// Version of the protocol that is spoken here.
const PROTOCOL: u32 = 1;

/// From the call to Hello.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest id of an instance and longest version, in characters.
const TEXT: usize = 64;

/// Deliveries that a plugin may say it holds: more than it can have been given.
const HOLDING: usize = 65_536;

/// A plugin that has said who it is, and is.
#[derive(Debug, Clone)]
pub(super) struct Greeting {
    pub(super) hello: Hello,
    pub(super) can: Capabilities,
}

/// Checks the credential, then Hello. Nothing of the stream is read before the credential is good.
pub(super) async fn greet<'h>(
    hosts: &'h [Host],
    metadata: &MetadataMap,
    requests: &mut Streaming<AttachRequest>,
) -> Result<(&'h Host, Greeting), Status> {
    let token = bearer(metadata).ok_or_else(unauthenticated)?;
    let mut found = None;
    for host in hosts {
        let token = token.to_vec();
        let bearer = host.inner.store.read(move |reader| credentials::bearer(reader, &token)).await?;
        found = found.or(bearer.map(|bearer| (host, bearer)));
    }
    let (host, bearer) = found.ok_or_else(unauthenticated)?;
    let first = tokio::time::timeout(PATIENCE, requests.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("no Hello came within 10 s"))??;
    let Some(Message::Hello(hello)) = first.and_then(|request| request.message) else {
        return Err(invalid("hello", "must be the first message"));
    };
    if hello.name != bearer.name || hello.kind() != bearer.kind {
        return Err(Status::permission_denied("the credential is another plugin's, or one of another kind"));
    }
    if !host.serves(hello.kind()) {
        return Err(Status::failed_precondition("this service hosts no plugins of that kind"));
    }
    check(&hello)?;
    let can = capabilities(&hello);
    Ok((host, Greeting { hello, can }))
}

fn check(hello: &Hello) -> Result<(), Status> {
    if hello.protocol != PROTOCOL {
        let said = format!("this host speaks version {PROTOCOL} of the protocol, not {}", hello.protocol);
        return Err(Status::failed_precondition(said));
    }
    if !(1..=TEXT).contains(&hello.instance.chars().count()) {
        return Err(invalid("hello.instance", "must be 1 to 64 characters"));
    }
    if hello.version.chars().count() > TEXT {
        return Err(invalid("hello.version", "must be at most 64 characters"));
    }
    if hello.holding.len() > HOLDING {
        return Err(invalid("hello.holding", "must name at most 65536 deliveries"));
    }
    Ok(())
}

/// The capabilities that the host will use: what was said, as far as it makes sense for the kind.
fn capabilities(hello: &Hello) -> Capabilities {
    let said = hello.capabilities.clone().unwrap_or_default();
    match hello.kind() {
        PluginKind::Channel => {
            let known = ["image", "video", "audio", "file"];
            let kinds = said.attachment_kinds.into_iter().filter(|kind| known.contains(&kind.as_str()));
            Capabilities { attachment_kinds: kinds.collect(), ..said }
        }
        PluginKind::Agent | PluginKind::NoticeSource | PluginKind::Unspecified => Capabilities::default(),
    }
}

/// RFC 6750 §2.1.
fn bearer(metadata: &MetadataMap) -> Option<&[u8]> {
    let (scheme, token) = metadata.get("authorization")?.as_bytes().split_at_checked(7)?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

fn unauthenticated() -> Status {
    Status::unauthenticated("a plugin's credential is required: `causeway plugin add` makes one")
}

/// A message that does not keep to the protocol.
pub(super) fn invalid(field: &str, problem: &str) -> Status {
    let details = tonic_types::ErrorDetails::with_bad_request_violation(field, problem);
    Status::with_error_details(tonic::Code::InvalidArgument, format!("{field}: {problem}"), details)
}
