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
mod head;
mod responder;
mod worker;

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Service;
use super::door::Place;
use crate::lifecycle::Tasks;
use worker::{Inbox, Worker};

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
        let express = Self(Arc::new(Threads {
            inboxes: workers.iter().map(Worker::inbox).collect(),
            next: AtomicUsize::new(0),
        }));
        // Before the first thread starts: should a later one fail to, this ends the others.
        let stop = StopOnDrop(express.clone());
        for worker in workers {
            worker.start(service.clone(), tasks, express.clone())?;
        }
        Ok((express, stop))
    }

    /// Has the threads close connections that nothing was heard of for a moment: others wait for their places.
    pub(super) fn make_room(&self) {
        for inbox in &self.0.inboxes {
            inbox.make_room();
        }
    }

    /// Gives a connection to the next thread. Gives it back when the threads have been told to end.
    pub(super) fn give(&self, arrival: Arrival) -> Result<(), Arrival> {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.inboxes[turn % self.0.inboxes.len()].put(arrival)
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        for inbox in &self.0.0.inboxes {
            inbox.close();
        }
    }
}
