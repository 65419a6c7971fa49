//! The express lane: threads of their own that answer plain visits, and nothing else.
//!
//! Most requests are visits of links in memory. For these a general HTTP server, its router and its task scheduler cost more than
//! the answer itself; so each connection begins here, on one of a few threads that each wait for many connections, read a
//! request, look the code up, append the click to the journal, and write the answer. They never wait for anything
//! else:
//! - a code that is not in memory is looked up by a task, which then gives the connection back;
//! - an answer that the client does not take at once is written by a task, likewise;
//! - every other request takes its connection to hyper (`door::general`), with the bytes that were read of it.
//!
//! Invariant: bytes are taken off a connection only with the click in the journal and the answer written, or handed on.

#[cfg(feature = "bench-internals")]
pub(crate) mod bench;
mod connection;
mod detour;
pub(crate) mod head;
mod inbox;
mod responder;
mod worker;

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Service;
use super::door::{Place, general};
use super::redirect::Failure;
use crate::error::Error;
use crate::lifecycle::Tasks;
use inbox::Inbox;
use worker::Worker;

/// A connection on its way to a thread.
pub(super) struct Arrival {
    /// Non-blocking.
    pub(super) stream: TcpStream,
    /// What was read of it and not answered.
    pub(super) unanswered: Vec<u8>,
    /// Whether the code that `unanswered` asks for was just looked up, so that it is in memory if memory has room.
    pub(super) is_looked_up: bool,
    /// When `unanswered` arrived, by the clock's elapsed time.
    pub(super) arrived_at: Duration,
    /// Its place among the open connections.
    pub(super) place: Place,
}

impl Arrival {
    /// Serves the connection as hyper does, to its end. `failure` is what came of looking up the code that `unanswered` asks
    /// for, if that was in vain.
    pub(super) async fn serve_generally(self, service: Service, tasks: &Tasks, failure: Option<Error>) {
        let arrived_at = self.arrived_at;
        let failure = failure.map(|error| Failure { error, arrived_at });
        match tokio::net::TcpStream::from_std(self.stream) {
            Ok(stream) => general::serve(stream, self.unanswered, service, tasks, self.place, failure).await,
            Err(error) => tracing::warn!("a connection cannot be waited for and is closed: {error}"),
        }
    }
}

/// Hands connections to the threads. They end when this is dropped by its last owner.
#[derive(Clone)]
pub(super) struct Express(Arc<Threads>);

struct Threads {
    inboxes: Box<[Arc<Inbox>]>,
    next: AtomicUsize,
}

/// Ends the threads when it is dropped: they answer what has arrived and close their connections.
pub(super) struct StopOnDrop(Express);

impl Express {
    /// Starts `threads` threads; `tasks` waits for them. They end with the second part of the result.
    ///
    /// # Errors
    /// When the system gives no thread, or nothing to wait for connections with.
    pub(super) fn start(threads: usize, service: &Service, tasks: &Tasks) -> io::Result<(Self, StopOnDrop)> {
        let workers: Vec<_> = (0..threads.max(1)).map(Worker::new).collect::<io::Result<_>>()?;
        let express = Self::of(workers.iter().map(Worker::inbox));
        // Before the first thread starts: should a later one fail to, this ends the others.
        let stop = StopOnDrop(express.clone());
        for worker in workers {
            worker.start(service.clone(), tasks, express.clone())?;
        }
        Ok((express, stop))
    }

    fn of(inboxes: impl IntoIterator<Item = Arc<Inbox>>) -> Self {
        Self(Arc::new(Threads {
            inboxes: inboxes.into_iter().collect(),
            next: AtomicUsize::new(0),
        }))
    }

    /// Has the threads close connections that nothing was heard of for a moment: others wait for their places.
    pub(super) fn make_room(&self) {
        for inbox in &self.0.inboxes {
            inbox.make_room();
        }
    }

    /// Gives a connection to the next thread. Gives it back when all threads have ended or been told to.
    pub(super) fn give(&self, mut arrival: Arrival) -> Result<(), Arrival> {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        for place in 0..self.threads() {
            let inbox = &self.0.inboxes[turn.wrapping_add(place) % self.threads()];
            match inbox.put(arrival) {
                Ok(()) => return Ok(()),
                Err(back) => arrival = back,
            }
        }
        Err(arrival)
    }

    fn threads(&self) -> usize {
        self.0.inboxes.len()
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        for inbox in &self.0.0.inboxes {
            inbox.close();
        }
    }
}
