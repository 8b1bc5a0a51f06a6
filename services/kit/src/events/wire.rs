//! Responses of `Events` as they are encoded: an event is already bytes, from the log or from the bus, and goes out as it is,
//! however many subscribers there are.
//!
//! What stands here writes exactly what prost would write for `SubscribeResponse` and `ReadResponse`.

use std::marker::PhantomData;

use bytes::{BufMut, Bytes};
use causeway_proto::event::{ReadResponse, SubscribeResponse, TopicAdded, subscribe_response};
use prost::Message;
use tonic::{
    Status,
    codec::{Codec, EncodeBuf, Encoder},
};
use tonic_prost::ProstDecoder;

/// The key of field 1 with a length: `SubscribeResponse.event`, `ReadResponse.events`.
const EVENT: u8 = 1 << 3 | 2;

/// A `SubscribeResponse`.
#[derive(Debug, Clone)]
pub(super) enum Frame {
    /// An encoded event.
    Event(Bytes),
    /// The answer to a request for a topic.
    Added(TopicAdded),
}

/// A `ReadResponse`.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadPage {
    /// Encoded events.
    pub(super) events: Vec<Bytes>,
    pub(super) head: u64,
    pub(super) history_lost: bool,
}

/// Something that can be written as a protobuf message.
pub(super) trait Wire: Send + 'static {
    fn put(self, buffer: &mut EncodeBuf<'_>) -> Result<(), prost::EncodeError>;
}

impl Wire for Frame {
    fn put(self, buffer: &mut EncodeBuf<'_>) -> Result<(), prost::EncodeError> {
        match self {
            Self::Event(event) => put_event(&event, buffer),
            Self::Added(added) => {
                let message = Some(subscribe_response::Message::Added(added));
                SubscribeResponse { message }.encode(buffer)
            }
        }
    }
}

impl Wire for ReadPage {
    fn put(self, buffer: &mut EncodeBuf<'_>) -> Result<(), prost::EncodeError> {
        let Self { events, head, history_lost } = self;
        events.iter().try_for_each(|event| put_event(event, buffer))?;
        ReadResponse { events: Vec::new(), head, history_lost }.encode(buffer)
    }
}

fn put_event(event: &[u8], buffer: &mut EncodeBuf<'_>) -> Result<(), prost::EncodeError> {
    buffer.reserve(event.len() + 16);
    buffer.put_u8(EVENT);
    prost::encode_length_delimiter(event.len(), buffer)?;
    buffer.put_slice(event);
    Ok(())
}

/// Writes `E`, reads `D`.
pub(super) struct WireCodec<E, D>(PhantomData<(E, D)>);

impl<E, D> Default for WireCodec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Wire, D: Message + Default + 'static> Codec for WireCodec<E, D> {
    type Encode = E;
    type Decode = D;
    type Encoder = WireEncoder<E>;
    type Decoder = ProstDecoder<D>;

    fn encoder(&mut self) -> Self::Encoder {
        WireEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}

pub(super) struct WireEncoder<E>(PhantomData<E>);

impl<E: Wire> Encoder for WireEncoder<E> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, item: E, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.put(buffer).map_err(|_| Status::internal("a response could not be encoded"))
    }
}
