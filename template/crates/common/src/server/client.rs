//! A client's connection, given up when the client does not read: what waits to be sent would be kept for ever.
use std::{
    io::{self, IoSlice, Write},
    os::fd::AsFd,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long a client may take to make room for anything.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_mins(1);

pub(super) struct Client {
    stream: TcpStream,
    write_timeout: Duration,
    /// Runs while something waits to be sent, so that a stream may be silent for as long as it likes.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Client {
    pub(super) fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            write_timeout,
            stalled: None,
        }
    }

    /// The kernel tells of room only when a third of its buffer is free, for which a slow client may take longer than
    /// it has: so this asks for any at all. It does so past tokio, which knows only what it was told.
    fn write_now(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let stream = self.stream.as_fd().try_clone_to_owned()?;
        std::net::TcpStream::from(stream).write_vectored(parts)
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        if written.is_pending() {
            let timer = || Box::pin(sleep(this.write_timeout));
            ready!(
                this.stalled
                    .get_or_insert_with(timer)
                    .as_mut()
                    .poll(context)
            );
            written = Poll::Ready(this.write_now(parts).map_err(|error| {
                // Nor shall the kernel keep what it has been given, and try for minutes.
                let _ = this.stream.set_zero_linger();
                match error.kind() {
                    io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
                    _ => error,
                }
            }));
        }
        this.stalled = None;
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
