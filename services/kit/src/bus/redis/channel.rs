//! Names of channels, and events as bytes.
//!
//! A channel is `<prefix>:<source as a number>:<topic>`. A message is a byte for the version of its form (1), eight for the
//! process that published it, the sequence number as a varint, and the event as it is in the log.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use causeway_proto::event::Source;
use prost::encoding::{decode_varint, encode_varint};

use crate::bus::Envelope;

/// The form of messages.
const VERSION: u8 = 1;

/// What stands before the varint.
const ORIGIN: usize = 9;

pub(super) struct Channels {
    prefix: String,
    /// This process, by a number that no other has.
    origin: u64,
}

/// What came on a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// An event of another process.
    Event { sequence: u64, event: Bytes },
    /// One that this process published itself.
    Echo,
    /// Something else: of a newer version, or not ours.
    Unreadable,
}

impl Channels {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: format!("{prefix}:"), origin: rand::random() }
    }

    pub(super) fn name(&self, source: Source, topic: &str) -> Arc<str> {
        let mut name = String::with_capacity(self.prefix.len() + topic.len() + 2);
        name.push_str(&self.prefix);
        // Less than ten, whatever is added.
        name.push(char::from(b'0' + u8::try_from(i32::from(source)).unwrap_or_default()));
        name.push(':');
        name.push_str(topic);
        name.into()
    }

    pub(super) fn encode(&self, envelope: &Envelope) -> Vec<u8> {
        let mut message = Vec::with_capacity(ORIGIN + 10 + envelope.event.len());
        message.put_u8(VERSION);
        message.put_u64(self.origin);
        encode_varint(envelope.sequence, &mut message);
        message.put_slice(&envelope.event);
        message
    }

    pub(super) fn decode(&self, message: Vec<u8>) -> Message {
        let mut rest = Bytes::from(message);
        if rest.len() <= ORIGIN || rest.get_u8() != VERSION {
            return Message::Unreadable;
        }
        if rest.get_u64() == self.origin {
            return Message::Echo;
        }
        match decode_varint(&mut rest) {
            Ok(sequence) => Message::Event { sequence, event: rest },
            Err(_) => Message::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        let event = Bytes::from_static(b"event");
        Envelope { source: Source::Chat, topic: "user/1".into(), sequence: 300, event }
    }

    #[test]
    fn another_process_reads_what_one_wrote_and_it_knows_its_own() {
        let (one, other) = (Channels::new("test"), Channels::new("test"));
        let message = one.encode(&envelope());
        assert_eq!(message.len(), 1 + 8 + 2 + 5);
        let event = Bytes::from_static(b"event");
        assert_eq!(other.decode(message.clone()), Message::Event { sequence: 300, event });
        assert_eq!(one.decode(message), Message::Echo);
    }

    #[test]
    fn a_message_of_another_form_is_not_taken_for_an_event() {
        let channels = Channels::new("test");
        let mut newer = channels.encode(&envelope());
        newer[0] = 2;
        for message in [newer, Vec::new(), vec![1; 9], [vec![1; 9], vec![0xff; 3]].concat()] {
            assert_eq!(channels.decode(message), Message::Unreadable);
        }
    }

    #[test]
    fn a_channel_is_one_of_the_prefix_the_source_and_the_topic() {
        assert_eq!(&*Channels::new("a").name(Source::Chat, "user/1"), "a:1:user/1");
        assert_ne!(
            Channels::new("a").name(Source::Notification, "user/1"),
            Channels::new("a").name(Source::Chat, "user/1")
        );
    }
}
