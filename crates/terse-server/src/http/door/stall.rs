//! A connection that gives up on a client that takes nothing: hyper limits how long a request may take to arrive, not how
//! long an answer may take to leave.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Sleep, sleep};

/// A client must take some of its answer this often.
pub const WRITE_WITHIN: Duration = Duration::from_secs(20);

/// `stream`, whose writes fail when none of them makes progress for [`WRITE_WITHIN`].
pub(in crate::http) struct Stalling<S> {
    stream: S,
    /// Running while a write waits for the client; allocated only then.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Stalling<S> {
    pub(in crate::http) fn new(stream: S) -> Self {
        Self {
            stream,
            waiting: None,
        }
    }

    /// The stream.
    pub(in crate::http) fn into_inner(self) -> S {
        self.stream
    }

    /// What came of a write: passes progress on, and counts the time without.
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(WRITE_WITHIN)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (_client, server) = tokio::io::duplex(16);
        let mut server = Stalling::new(server);
        let error = server.write_all(&[0; 17]).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_that_takes_something_is_waited_for() {
        let (mut client, server) = tokio::io::duplex(16);
        let mut server = Stalling::new(server);
        let slow = async {
            let mut taken = Vec::new();
            for _ in 0..20 {
                sleep(WRITE_WITHIN * 9 / 10).await;
                let mut part = [0; 16];
                let length = client.read(&mut part).await.expect("more");
                taken.extend_from_slice(&part[..length]);
            }
            taken.len()
        };
        let (written, taken) = tokio::join!(server.write_all(&[0; 320]), slow);
        assert!(written.is_ok());
        assert_eq!(taken, 320);
    }
}
