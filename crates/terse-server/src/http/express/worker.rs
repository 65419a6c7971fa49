//! A thread of the express lane: waits for many connections at once and serves those that something has arrived on.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tokio::runtime::Handle;

use super::connection::{Buffers, Connection, Fate, Why};
use super::detour::Detour;
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

/// A thread that has not been started.
pub(super) struct Worker {
    poll: Poll,
    inbox: Arc<Inbox>,
    number: usize,
}

/// Where a thread is handed connections.
pub(super) struct Inbox {
    mail: Mutex<Mail>,
    waker: Waker,
}

#[derive(Default)]
struct Mail {
    arrivals: Vec<Arrival>,
    /// Nothing more is taken: the thread is to end.
    is_closed: bool,
    /// Others wait for the places of silent connections.
    is_room_wanted: bool,
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
    now_s: u64,
    /// When the events that are being handled were taken from the system.
    now: Duration,
}

impl Worker {
    pub(super) fn new(number: usize) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let mail = Mutex::default();
        Ok(Self {
            poll,
            inbox: Arc::new(Inbox { mail, waker }),
            number,
        })
    }

    pub(super) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Starts the thread, which `tasks` waits for. What it cannot answer itself becomes tasks of the caller's runtime.
    pub(super) fn start(self, service: Service, tasks: &Tasks, express: Express) -> io::Result<()> {
        let runtime = Handle::current();
        let mut run = Run {
            poll: self.poll,
            inbox: self.inbox,
            connections: Slab::new(),
            again: Vec::new(),
            responder: Responder::new(Arc::clone(service.app())),
            buffers: Buffers::new(),
            service,
            tasks: tasks.clone(),
            express,
            swept_at: Duration::ZERO,
            now_s: 0,
            now: Duration::ZERO,
        };
        let running = tasks.hold();
        std::thread::Builder::new()
            .name(format!("express-{}", self.number))
            .spawn(move || {
                let _runtime = runtime.enter();
                run.run();
                drop(running);
            })
            .map(drop)
    }
}

impl Inbox {
    /// Hands a connection over, or gives it back when the thread is to end.
    pub(super) fn put(&self, arrival: Arrival) -> Result<(), Arrival> {
        {
            let mut mail = self.mail();
            if mail.is_closed {
                return Err(arrival);
            }
            mail.arrivals.push(arrival);
        }
        self.wake();
        Ok(())
    }

    /// Tells the thread that others wait for the places of silent connections.
    pub(super) fn make_room(&self) {
        self.mail().is_room_wanted = true;
        self.wake();
    }

    /// Tells the thread to end.
    pub(super) fn close(&self) {
        self.mail().is_closed = true;
        self.wake();
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!("a thread that answers visits cannot be woken: {error}");
        }
    }
}

impl Run {
    fn run(&mut self) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.responder.is_closing() {
            if let Err(error) = self.poll.poll(&mut events, self.patience())
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!("a thread that answers visits cannot wait for connections: {error}");
                std::thread::sleep(SWEEP_EVERY);
            }
            self.look_at_clocks();
            for event in &events {
                self.handle(event);
            }
            for key in std::mem::take(&mut self.again) {
                self.serve(key, false);
            }
        }
        self.finish();
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
        let elapsed = self.service.app().clock.elapsed();
        self.now = elapsed;
        self.now_s = elapsed.as_secs();
        self.responder.set_arrival(elapsed);
        if elapsed.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = elapsed;
            self.close_silent(HEADER_WITHIN);
        }
    }

    /// Closes the connections that nothing was heard of for longer than `within`.
    fn close_silent(&mut self, within: Duration) {
        let heard_before_s = self.now_s.saturating_sub(within.as_secs());
        // Dropped means closed; the system forgets it as well.
        self.connections
            .retain(|_, connection| connection.heard_at_s >= heard_before_s);
    }

    fn handle(&mut self, event: &Event) {
        match event.token() {
            WAKE => self.take_arrivals(),
            Token(key) => self.serve(key, event.is_read_closed()),
        }
    }

    fn take_arrivals(&mut self) {
        let mail = {
            let mut mail = self.inbox.mail();
            Mail {
                arrivals: std::mem::take(&mut mail.arrivals),
                is_closed: mail.is_closed,
                is_room_wanted: std::mem::take(&mut mail.is_room_wanted),
            }
        };
        if mail.is_closed {
            self.responder.close();
        }
        if mail.is_room_wanted {
            self.close_silent(SILENT_WHEN_FULL);
        }
        for arrival in mail.arrivals {
            self.welcome(arrival);
        }
    }

    /// Answers what was read of the connection before, then waits for more.
    fn welcome(&mut self, arrival: Arrival) {
        let mut connection = Connection {
            stream: mio::net::TcpStream::from_std(arrival.stream),
            place: arrival.place,
            heard_at_s: self.now_s,
        };
        if arrival.unanswered.is_empty() {
            // The first time: its request may be there already, and is read also when it is time to stop.
            return self.keep(connection);
        }
        // It waited for more than this thread: its visitor has waited since then.
        self.responder.set_arrival(arrival.arrived_at);
        let fate = connection.answer(&arrival.unanswered, &mut self.responder, &mut self.buffers.output);
        match fate {
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
        connection.heard_at_s = self.now_s;
        match connection.serve(&mut self.responder, &mut self.buffers, is_at_end) {
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

    fn send_away(&self, connection: Connection, why: Why, was_looked_up: bool) {
        let way = Detour {
            service: self.service.clone(),
            tasks: self.tasks.clone(),
            express: self.express.clone(),
            arrived_at: self.responder.arrived_at(),
        };
        self.tasks.spawn(way.take(connection, why, was_looked_up));
    }

    /// Answers what has arrived by now, telling clients to close, and ends all connections.
    fn finish(&mut self) {
        self.look_at_clocks();
        let keys: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.serve(key, false);
        }
        self.connections.clear();
    }
}
