//! The limits of fields, as `plugin.proto` has them.

use causeway_proto::plugin::{
    AccountReport, AccountState, DeliveryReport, DeliveryState, Hello, InboundEvent, PluginKind,
    inbound_event::Body,
};
use prost::Message;

/// The largest event, in bytes.
const EVENT: usize = 256 << 10;

/// What is wrong with Hello.
pub(super) fn hello(hello: &Hello) -> Option<String> {
    let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let kinds = ["image", "video", "audio", "file"];
    if hello.name.is_empty() || hello.name.len() > 64 || !hello.name.bytes().all(is_name) {
        return Some(format!("the name is not 1 to 64 of a-z, 0-9 and \"-\": {:?}", hello.name));
    }
    if hello.protocol != 1 {
        return Some(format!("the protocol's version is {}, not 1", hello.protocol));
    }
    let instance = length("instance", &hello.instance, 1, 64);
    if instance.is_some() {
        return instance;
    }
    if PluginKind::try_from(hello.kind).unwrap_or_default() == PluginKind::Unspecified {
        return Some("it does not say its kind".to_owned());
    }
    let attachments = hello.capabilities.as_ref().map_or(&[][..], |can| &can.attachment_kinds);
    let unknown = attachments.iter().find(|kind| !kinds.contains(&kind.as_str()))?;
    Some(format!("there is no attachment kind {unknown:?}"))
}

/// What is wrong with an event of a plugin of a kind; `knows` whether a conversation was named to the plugin.
pub(super) fn event(event: &InboundEvent, kind: PluginKind, knows: impl Fn(&str) -> bool) -> Option<String> {
    let size = event.encoded_len();
    if size > EVENT {
        return Some(format!("event {} has {size} bytes, more than 256 KiB", event.sequence));
    }
    length("account", &event.account, 1, 128)
        .or_else(|| length("provider_id", &event.provider_id, 1, 256))
        .or_else(|| length("partition", &event.partition, 0, 256))
        .or_else(|| body(event.body.as_ref(), kind, knows))
}

fn body(body: Option<&Body>, kind: PluginKind, knows: impl Fn(&str) -> bool) -> Option<String> {
    let of = match body {
        // A body that this version does not know is ignored by hosts, and so are these.
        None | Some(Body::Malformed(_) | Body::Unknown(_)) => return None,
        Some(Body::Answer(answer)) if kind == PluginKind::Agent && !knows(&answer.conversation_id) => {
            return Some(format!(
                "it answered in a conversation that was not named to it: {:?}",
                answer.conversation_id
            ));
        }
        Some(Body::Answer(_)) => PluginKind::Agent,
        Some(Body::Notice(_)) => PluginKind::NoticeSource,
        Some(
            Body::CustomerMessage(_)
            | Body::OwnMessage(_)
            | Body::MessageEdit(_)
            | Body::MessageDeletion(_)
            | Body::MessageReaction(_)
            | Body::MessageReceipt(_),
        ) => PluginKind::Channel,
    };
    (of != kind).then(|| {
        format!("a plugin of kind {} sent an event of kind {}", kind.as_str_name(), of.as_str_name())
    })
}

/// What is wrong with a report.
pub(super) fn report(report: &DeliveryReport) -> Option<String> {
    match report.state() {
        DeliveryState::Unspecified => Some("a report does not say how far the delivery got".to_owned()),
        DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read => None,
        DeliveryState::Failed | DeliveryState::Uncertain => length("code", &report.code, 1, 64),
    }
}

/// What is wrong with an account's state.
pub(super) fn account(report: &AccountReport) -> Option<String> {
    let is_said = AccountState::try_from(report.state).unwrap_or_default() != AccountState::Unspecified;
    length("account", &report.account, 1, 128)
        .or_else(|| (!is_said).then(|| "an account's state is not said".to_owned()))
}

fn length(name: &str, text: &str, least: usize, most: usize) -> Option<String> {
    let length = text.chars().count();
    (!(least..=most).contains(&length))
        .then(|| format!("{name} has {length} characters, not {least} to {most}"))
}
