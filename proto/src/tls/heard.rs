//! A connection that listens to what a server says who is not the one that was meant, or does not want us: HTTP/2 would not
//! understand it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use rustls::{AlertDescription, Error as Tls};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::problem::UNKNOWN_CLIENT;

/// What a client without TLS is told, behind where it called.
const HAS_TLS: &str = "it has TLS: write https (or dns+tls:///)";

/// What a client is told who called something else.
const OTHER: &str = "it answers in HTTP/1, and gRPC is HTTP/2: is it another listener?";

/// How an alert begins (RFC 8446 §5.1): its type, and the first half of the version. No server begins HTTP/2 with it: it would be a
/// frame of more than a megabyte.
const ALERT: [u8; 2] = [21, 3];

/// What the newest connection of a channel has heard: the errors of calls may not have it, because HTTP/2 cancels those that had
/// not begun.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Option<String>>>);

impl Told {
    pub(crate) fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, told: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }
}

/// A connection to `place`.
pub(super) struct Heard<IO> {
    io: IO,
    place: String,
    told: Told,
    /// Nothing was read yet.
    is_new: bool,
}

impl<IO> Heard<IO> {
    pub(super) fn new(io: IO, place: String, told: Told) -> Self {
        told.set(None);
        Self { io, place, told, is_new: true }
    }

    fn error(&self, problem: &str) -> io::Error {
        let problem = format!("{}: {problem}", self.place);
        self.told.set(Some(problem.clone()));
        io::Error::new(io::ErrorKind::InvalidData, problem)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Heard<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(context, buffer));
        if let Err(error) = &read
            && is_about_us(error)
        {
            return Poll::Ready(Err(self.error(UNKNOWN_CLIENT)));
        }
        let said = buffer.filled().get(before..).unwrap_or_default();
        let problem = match std::mem::take(&mut self.is_new) {
            true if said.starts_with(&ALERT) => HAS_TLS,
            true if said.starts_with(b"HTTP/1") => OTHER,
            _ => return Poll::Ready(read),
        };
        Poll::Ready(Err(self.error(problem)))
    }
}

/// The client is done first (RFC 8446 §2), and hears afterwards that its certificate is not taken.
fn is_about_us(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    matches!(tls, Some(Tls::AlertReceived(alert)) if refuses(*alert))
}

/// Whether an alert says that a client's certificate is missing, or is not taken.
pub(super) fn refuses(alert: AlertDescription) -> bool {
    use AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateUnknown,
        DecryptError, UnknownCA,
    };
    matches!(
        alert,
        AccessDenied
            | BadCertificate
            | CertificateExpired
            | CertificateRequired
            | CertificateUnknown
            | DecryptError
            | UnknownCA
    )
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Heard<IO> {
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
        slices: &[IoSlice<'_>],
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
