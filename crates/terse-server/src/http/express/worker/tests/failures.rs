//! A thread, or the answer to one connection, panics.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use terse_core::{Clock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::{
    Arc, Duration, ManualClock, Read, Scene, Shutdown, Turned, VISIT, Write, clock, connection, redirects,
};
use crate::http::door::{self, DoorOptions, PerAddress};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const LAST_VISIT: &[u8] = b"GET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Where redirects are logged. Panics when it is to.
#[derive(Default)]
struct PanickingLog {
    panics_next: AtomicBool,
    errors: AtomicUsize,
}

impl Subscriber for PanickingLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("terse_server::http")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        match *event.metadata().level() {
            Level::ERROR => drop(self.errors.fetch_add(1, Ordering::Relaxed)),
            Level::INFO => {
                let panics = self.panics_next.swap(false, Ordering::Relaxed);
                assert!(!panics, "a panic that the test wants");
            }
            _ => {}
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_panic_ends_the_connection_and_not_the_thread() {
    let mut turned = Turned::new().await;
    let (other, mut client) = connection();
    let other = turned.scene.arrival(other).await;
    let log = Arc::new(PanickingLog::default());
    tracing::subscriber::with_default(Arc::clone(&log), || {
        turned.send(1);
        turned.turn();
        // Tests beside this one may have been the first to log a redirect, and to nobody.
        tracing::callsite::rebuild_interest_cache();
        log.panics_next.store(true, Ordering::Relaxed);
        turned.send(1);
        turned.turn();
        assert!(turned.run.connections.is_empty());
        turned.run.welcome(other);
        client.write_all(VISIT.as_bytes()).expect("there is room");
        client.shutdown(Shutdown::Write).expect("a socket");
        while !turned.run.connections.is_empty() {
            turned.turn();
        }
    });
    assert_eq!(log.errors.load(Ordering::Relaxed), 1);
    assert_eq!(redirects(&turned.answers()), 1);
    let mut answers = String::new();
    client.read_to_string(&mut answers).expect("text");
    assert_eq!(redirects(&answers), 1);
}

/// A clock that the first thread cannot read.
struct FailingClock(Arc<ManualClock>);

impl FailingClock {
    fn fail_there() {
        let thread = std::thread::current();
        assert_ne!(thread.name(), Some("express-0"), "a panic that the test wants");
    }
}

impl Clock for FailingClock {
    fn now(&self) -> Timestamp {
        Self::fail_there();
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        Self::fail_there();
        self.0.elapsed()
    }
}

fn options(express_threads: usize) -> DoorOptions {
    let per_address = PerAddress {
        max: 10,
        counts_loopback: false,
    };
    DoorOptions {
        connections_max: 10,
        per_address,
        express_threads,
    }
}

#[tokio::test]
async fn what_a_failed_thread_was_handed_is_answered_by_others() {
    for express_threads in [1, 2] {
        let scene = Scene::at(Arc::new(FailingClock(clock()))).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let options = options(express_threads);
        let (service, tasks) = (scene.service.clone(), scene.tasks.clone());
        let stopping = scene.tasks.clone();
        scene
            .tasks
            .spawn(async move { door::accept(listener, service, options, &tasks).await });
        for _ in 0..4 {
            let mut client = TcpStream::connect(address).await.expect("it listens");
            client.write_all(LAST_VISIT).await.expect("there is room");
            let mut answers = String::new();
            let answered = timeout(ANSWER_WITHIN, client.read_to_string(&mut answers));
            answered.await.expect("somebody answers").expect("text");
            assert_eq!(redirects(&answers), 1, "{answers}");
        }
        assert!(stopping.drain().await, "all threads have ended");
    }
}
