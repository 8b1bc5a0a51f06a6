//! The first bytes of an HTTP/2 connection (RFC 9113 §3.4), read before anything is kept for it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How a TLS handshake begins (RFC 8446 §5.1): its type, and the first half of the version.
const HANDSHAKE: [u8; 2] = [22, 3];

/// A connection whose preface was read, and is read again by whoever gets it.
pub(super) struct Greeted<IO> {
    io: IO,
    /// How much of the preface was read again.
    replayed: usize,
}

/// What a client said instead.
#[derive(Debug, thiserror::Error)]
enum Other {
    #[error("it speaks TLS")]
    Tls,
    #[error("it does not speak HTTP/2")]
    Unknown,
}

/// Reads the preface. Fails when the client says anything else.
pub(super) async fn greet<IO: AsyncRead + Unpin>(mut io: IO) -> io::Result<Greeted<IO>> {
    let mut said = [0; PREFACE.len()];
    io.read_exact(&mut said).await?;
    if &said != PREFACE {
        let other = if said.starts_with(&HANDSHAKE) { Other::Tls } else { Other::Unknown };
        return Err(io::Error::new(io::ErrorKind::InvalidData, other));
    }
    Ok(Greeted { io, replayed: 0 })
}

/// Whether that failed because the client began a TLS handshake.
pub(super) fn is_tls(error: &io::Error) -> bool {
    let other = error.get_ref().and_then(|inner| inner.downcast_ref::<Other>());
    matches!(other, Some(Other::Tls))
}

impl<IO: AsyncRead + Unpin> AsyncRead for Greeted<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &PREFACE[self.replayed..];
        if rest.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        self.replayed += length;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Greeted<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
