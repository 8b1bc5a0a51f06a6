//! Frames as they are written, RFC 6455 §5.2. A server does not mask, so that a frame is the same bytes for every socket and is
//! copied once, from where all sockets share it to where it is written from.

/// What is written to a socket beside the close frame.
#[derive(Debug, Clone, Copy)]
pub(super) enum Frame<'a> {
    Text(&'a str),
    Ping,
}

const FINAL_TEXT: u8 = 0x81;
const FINAL_PING: u8 = 0x89;

impl Frame<'_> {
    /// Appends the frame to `out`.
    pub(super) fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                out.push(FINAL_TEXT);
                encode_length(text.len(), out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Ping => out.extend_from_slice(&[FINAL_PING, 0]),
        }
    }
}

fn encode_length(length: usize, out: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_tungstenite::tungstenite::{
        Message,
        protocol::{Role, WebSocketContext},
    };

    use super::*;

    #[test]
    fn every_length_is_read_as_it_was_written() {
        let lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 100_000];
        let texts = lengths.map(|length| "x".repeat(length));
        let mut out = Vec::new();
        for text in &texts {
            Frame::Text(text).encode(&mut out);
        }
        // Last, because the client answers it into the same stream.
        Frame::Ping.encode(&mut out);
        let mut client = WebSocketContext::new(Role::Client, None);
        let mut stream = std::io::Cursor::new(out);
        for text in &texts {
            assert_eq!(client.read(&mut stream).unwrap(), Message::text(text.as_str()));
        }
        assert_eq!(client.read(&mut stream).unwrap(), Message::Ping(Vec::new().into()));
    }
}
