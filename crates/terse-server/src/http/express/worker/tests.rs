//! A thread of the express lane turned by hand, so that a test decides what it sees at once.

mod failures;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use rustix::io::ioctl_fionread;
use terse_core::ManualClock;

use super::*;
use crate::http::door::HEAD_BYTES_MAX;
use crate::http::express::connection::READS_MAX;
use crate::http::tests::{Scene, clock, connection, redirects};

/// Of a length of which a whole number fills a buffer, so that no head is cut.
const VISIT: &str = "GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: of 64 bytes, in all.\r\n\r\n";
/// How many of them a thread answers before it looks at its other connections.
const VISITS_AT_ONCE: usize = READS_MAX * HEAD_BYTES_MAX / VISIT.len();

/// A thread that does not run, and one connection to it.
struct Turned {
    run: Run,
    events: Events,
    client: TcpStream,
    /// The server's end, to see what has arrived there.
    server: TcpStream,
    clock: Arc<ManualClock>,
    scene: Scene,
}

impl Turned {
    async fn new() -> Self {
        let clock = clock();
        let scene = Scene::at(Arc::clone(&clock) as _).await;
        let worker = Worker::new(0).expect("a poll");
        let express = Express::of([worker.inbox()]);
        let mut run = worker.into_run(scene.service.clone(), &scene.tasks, express);
        run.look_at_clocks();
        let (server, client) = connection();
        run.welcome(scene.arrival(server.try_clone().expect("a socket")).await);
        Self {
            run,
            events: Events::with_capacity(EVENTS_MAX),
            client,
            server,
            clock,
            scene,
        }
    }

    /// Sends visits, and waits until they have arrived.
    fn send(&mut self, visits: usize) {
        let requests = VISIT.repeat(visits);
        self.client.write_all(requests.as_bytes()).expect("there is room");
        while ioctl_fionread(&self.server).expect("a socket") < requests.len() as u64 {
            std::thread::yield_now();
        }
    }

    fn turn(&mut self) {
        self.run.turn(&mut self.events);
    }

    /// All that was answered, once the thread has closed the connection.
    fn answers(mut self) -> String {
        assert!(self.run.connections.is_empty(), "it is open");
        drop(self.server);
        let mut answers = String::new();
        self.client.read_to_string(&mut answers).expect("text");
        answers
    }
}

#[tokio::test]
async fn who_says_much_and_then_no_more_is_answered_and_left_at_once() {
    let mut turned = Turned::new().await;
    turned.send(VISITS_AT_ONCE + 1);
    turned.client.shutdown(Shutdown::Write).expect("a socket");
    turned.turn();
    assert_eq!(redirects(&turned.answers()), VISITS_AT_ONCE + 1);
}

#[tokio::test]
async fn who_was_heard_late_is_answered_and_not_closed_for_silence() {
    let mut turned = Turned::new().await;
    turned.send(1);
    turned.clock.advance(HEADER_WITHIN * 2);
    turned.turn();
    turned.send(1);
    turned.clock.advance(SILENT_WHEN_FULL * 2);
    turned.run.inbox.make_room();
    turned.turn();
    turned.clock.advance(HEADER_WITHIN * 2);
    turned.turn();
    assert_eq!(redirects(&turned.answers()), 2);
}

#[tokio::test]
async fn who_was_not_heard_yet_is_not_silent() {
    let mut turned = Turned::new().await;
    turned.send(1);
    turned.clock.advance(HEADER_WITHIN * 2);
    turned.run.look_at_clocks();
    // As when so many events came at once that this connection's is for the next turn.
    turned.run.sweep();
    turned.turn();
    assert_eq!(turned.run.connections.len(), 1);
    turned.run.finish();
    assert_eq!(redirects(&turned.answers()), 1);
}

#[tokio::test]
async fn who_is_silent_for_too_long_is_closed() {
    for (silent, is_room_wanted, is_closed) in [
        (HEADER_WITHIN, false, false),
        (HEADER_WITHIN + SWEEP_EVERY, false, true),
        (SILENT_WHEN_FULL, true, false),
        (SILENT_WHEN_FULL * 2, true, true),
        (SILENT_WHEN_FULL * 2, false, false),
    ] {
        let mut turned = Turned::new().await;
        turned.clock.advance(silent);
        if is_room_wanted {
            turned.run.inbox.make_room();
        }
        turned.turn();
        assert_eq!(turned.run.connections.is_empty(), is_closed, "{silent:?}");
    }
}

#[tokio::test]
async fn what_has_arrived_when_it_is_time_to_stop_is_answered_to_its_last_visit() {
    let mut turned = Turned::new().await;
    turned.send(VISITS_AT_ONCE + 1);
    turned.run.responder.close();
    turned.run.finish();
    let answers = turned.answers();
    assert_eq!(redirects(&answers), VISITS_AT_ONCE + 1);
    let [before, _] = answers.split("connection: close\r\n").collect::<Vec<_>>()[..] else {
        panic!("a client is told to close once");
    };
    assert_eq!(redirects(before), VISITS_AT_ONCE + 1, "with the last answer");
}
