//! A thread of the express lane: waits for many connections at once and serves those that something has arrived on.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tokio::runtime::Handle;

use super::connection::{Buffers, Connection, Fate, Why};
use super::detour::Detour;
use super::inbox::Inbox;
use super::responder::Responder;
use super::{Arrival, Express};
use crate::http::Service;
use crate::http::door::HEADER_WITHIN;
use crate::lifecycle::Tasks;

const WAKE: Token = Token(usize::MAX);
/// Events that are taken from the system at once.
const EVENTS_MAX: usize = 256;
/// How long a connection may be silent while others wait for its place.
const SILENT_WHEN_FULL: Duration = Duration::from_secs(1);
/// How often connections are looked through for idle ones.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// When it is time to stop, a connection that always has more to read is served so many times.
const LAST_TURNS_MAX: usize = 64;

/// A thread that has not been started.
pub(super) struct Worker {
    poll: Poll,
    inbox: Arc<Inbox>,
    number: usize,
}

/// A running thread's own.
struct Run {
    poll: Poll,
    inbox: Arc<Inbox>,
    connections: Slab<Connection>,
    /// Those that may have more to read without an event.
    again: Vec<usize>,
    responder: Responder,
    buffers: Buffers,
    service: Service,
    tasks: Tasks,
    express: Express,
    swept_at: Duration,
    /// When the events that are being handled were taken from the system.
    now: Duration,
    /// Others wait for the places of silent connections.
    is_room_wanted: bool,
}

impl Worker {
    pub(super) fn new(number: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let inbox = Arc::new(Inbox::new(poll.registry(), WAKE)?);
        Ok(Self { poll, inbox, number })
    }

    pub(super) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Starts the thread, which `tasks` waits for. What it cannot answer itself becomes tasks of the caller's runtime.
    pub(super) fn start(self, service: Service, tasks: &Tasks, express: Express) -> io::Result<()> {
        let runtime = Handle::current();
        let running = tasks.hold();
        let thread = std::thread::Builder::new().name(format!("express-{}", self.number));
        let run = self.into_run(service, tasks, express);
        let started = thread.spawn(move || {
            let _runtime = runtime.enter();
            run.run_to_the_end();
            drop(running);
        });
        started.map(drop)
    }

    fn into_run(self, service: Service, tasks: &Tasks, express: Express) -> Run {
        Run {
            poll: self.poll,
            inbox: self.inbox,
            connections: Slab::new(),
            again: Vec::new(),
            responder: Responder::new(Arc::clone(service.app()), express.threads()),
            buffers: Buffers::new(),
            service,
            tasks: tasks.clone(),
            express,
            swept_at: Duration::ZERO,
            now: Duration::ZERO,
            is_room_wanted: false,
        }
    }
}

impl Run {
    /// Serves until it is time to stop. Should that fail, this thread is handed nothing more, and what it was handed but has not
    /// looked at is served by others.
    fn run_to_the_end(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.run()));
        self.inbox.close();
        if ended.is_err() {
            tracing::error!("a thread that answers visits has failed: its connections are closed");
        }
        for arrival in self.inbox.take().arrivals {
            self.tasks.spawn(self.detour().give_back(arrival));
        }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.responder.is_closing() {
            self.turn(&mut events);
        }
        self.finish();
    }

    /// Waits for events, and does what they ask for.
    fn turn(&mut self, events: &mut Events) {
        if let Err(error) = self.poll.poll(events, self.patience())
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::error!("a thread that answers visits cannot wait for connections: {error}");
            std::thread::sleep(SWEEP_EVERY);
        }
        self.look_at_clocks();
        for event in &*events {
            self.handle(event);
        }
        self.serve_again();
        // Last: who was heard of just now is not silent, however long this thread was kept from hearing it.
        self.sweep();
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            Some(Duration::ZERO)
        } else if self.connections.is_empty() {
            None
        } else {
            Some(SWEEP_EVERY)
        }
    }

    fn look_at_clocks(&mut self) {
        self.responder.set_time();
        self.now = self.service.app().clock.elapsed();
        self.responder.set_arrival(self.now);
    }

    /// When it is time to, closes the connections that are silent for too long.
    fn sweep(&mut self) {
        if self.now.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = self.now;
            self.close_silent(HEADER_WITHIN);
        }
        if std::mem::take(&mut self.is_room_wanted) {
            self.close_silent(SILENT_WHEN_FULL);
        }
    }

    /// Closes the connections that nothing was heard of for longer than `within`.
    fn close_silent(&mut self, within: Duration) {
        let heard_before_s = self.now.saturating_sub(within).as_secs();
        // Dropped means closed; the system forgets it as well. One whose event waits for the next turn is not silent.
        self.connections
            .retain(|_, connection| connection.heard_at_s >= heard_before_s || connection.has_unread());
    }

    fn handle(&mut self, event: &Event) {
        match event.token() {
            WAKE => self.take_arrivals(),
            Token(key) => self.serve(key, event.is_read_closed()),
        }
    }

    fn take_arrivals(&mut self) {
        let mail = self.inbox.take();
        if mail.is_closed {
            self.responder.close();
        }
        self.is_room_wanted |= mail.is_room_wanted;
        for arrival in mail.arrivals {
            self.welcome(arrival);
        }
    }

    /// Answers what was read of the connection before, then waits for more.
    fn welcome(&mut self, arrival: Arrival) {
        let mut connection = Connection {
            stream: mio::net::TcpStream::from_std(arrival.stream),
            place: arrival.place,
            heard_at_s: self.now.as_secs(),
            is_at_end: false,
        };
        if arrival.unanswered.is_empty() {
            // The first time: its request may be there already, and is read also when it is time to stop.
            return self.keep(connection);
        }
        // It waited for more than this thread: its visitor has waited since then.
        self.responder.set_arrival(arrival.arrived_at);
        let (responder, output) = (&mut self.responder, &mut self.buffers.output);
        match guarded(|| connection.answer(&arrival.unanswered, responder, output)) {
            Fate::Stays | Fate::Again => self.keep(connection),
            Fate::Ends => {}
            Fate::Leaves(why) => self.send_away(connection, why, arrival.is_looked_up),
        }
        self.responder.set_arrival(self.now);
    }

    fn keep(&mut self, connection: Connection) {
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        let connection = entry.insert(connection);
        let registered = self
            .poll
            .registry()
            .register(&mut connection.stream, token, Interest::READABLE);
        if let Err(error) = registered {
            tracing::warn!("a connection cannot be waited for and is closed: {error}");
            self.connections.remove(token.0);
        }
    }

    fn serve(&mut self, key: usize, is_at_end: bool) {
        // An event may be about one that has left in the meantime.
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.heard_at_s = self.now.as_secs();
        connection.is_at_end |= is_at_end;
        let (responder, buffers) = (&mut self.responder, &mut self.buffers);
        match guarded(|| connection.serve(responder, buffers)) {
            Fate::Stays => {}
            Fate::Again => self.again.push(key),
            Fate::Ends => drop(self.connections.remove(key)),
            Fate::Leaves(why) => {
                let mut connection = self.connections.remove(key);
                if let Err(error) = self.poll.registry().deregister(&mut connection.stream) {
                    tracing::debug!("a connection could not be handed on: {error}");
                    return;
                }
                self.send_away(connection, why, false);
            }
        }
    }

    /// Serves those that may have more to read.
    fn serve_again(&mut self) {
        for key in std::mem::take(&mut self.again) {
            self.serve(key, false);
        }
    }

    fn send_away(&self, connection: Connection, why: Why, was_looked_up: bool) {
        self.tasks
            .spawn(self.detour().take(connection, why, was_looked_up));
    }

    fn detour(&self) -> Detour {
        Detour {
            service: self.service.clone(),
            tasks: self.tasks.clone(),
            express: self.express.clone(),
            arrived_at: self.responder.arrived_at(),
        }
    }

    /// Answers what has arrived by now, telling clients to close, and ends all connections.
    fn finish(&mut self) {
        self.look_at_clocks();
        self.again = self.connections.iter().map(|(key, _)| key).collect();
        for _ in 0..LAST_TURNS_MAX {
            self.serve_again();
        }
        self.connections.clear();
    }
}

/// A panic over one connection is the end of that one, not of the thread.
fn guarded(serve: impl FnOnce() -> Fate) -> Fate {
    catch_unwind(AssertUnwindSafe(serve)).unwrap_or_else(|_| {
        tracing::error!("visits could not be answered: their connection is closed");
        Fate::Ends
    })
}

#[cfg(test)]
mod tests;
