//! What the tests of connections stand on: a service with one link, and both ends of connections to it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use tempfile::TempDir;
use terse_core::{Clock, ManualClock, NewLink, Seeded, Timestamp};

use super::door::{PerAddress, Place, Places};
use super::express::Arrival;
use super::*;
use crate::config::{Config, RawConfig};
use crate::visits;

/// What `abc` leads to.
pub(crate) const TARGET: &str = "https://a.example/";

/// A service whose link `abc` is in memory.
pub(crate) struct Scene {
    pub(crate) service: Service,
    pub(crate) tasks: Tasks,
    _scratch: TempDir,
}

/// How often `abc` was visited and answered in `answers`.
pub(crate) fn redirects(answers: &str) -> usize {
    answers.matches("HTTP/1.1 302 Found\r\n").count()
}

/// A clock for a [`Scene`].
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)))
}

impl Scene {
    pub(crate) async fn at(clock: Arc<dyn Clock>) -> Self {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let raw = RawConfig {
            data_dir: Some(scratch.path().to_owned()),
            log_redirects: true,
            ..RawConfig::default()
        };
        let config = Config::resolve(raw).expect("the defaults make sense");
        let app = App::open(config, clock, Arc::new(Seeded::new(7))).await;
        let app = Arc::new(app.expect("a fresh directory"));
        app.store.import_links(vec![link()]).await.expect("a fresh store");
        visits::find(&app, "abc").await.expect("the link is there");
        let tasks = Tasks::new();
        Self {
            service: Service::new(app, tasks.clone()),
            tasks,
            _scratch: scratch,
        }
    }
}

impl Scene {
    /// A connection whose server's end is `stream`, as it comes through the door.
    pub(crate) async fn arrival(&self, stream: TcpStream) -> Arrival {
        Arrival {
            stream,
            unanswered: Vec::new(),
            is_looked_up: false,
            arrived_at: Duration::ZERO,
            place: place().await,
        }
    }
}

/// A place among connections that are as many as they like.
pub(crate) async fn place() -> Place {
    let per_address = PerAddress {
        max: 1,
        counts_loopback: false,
    };
    let places = Places::new(1, per_address, Arc::default());
    let one_of_all = places.wait().await;
    let place = places.take(one_of_all, Ipv4Addr::LOCALHOST.into());
    place.expect("nobody counts")
}

fn link() -> NewLink {
    let made_at = Timestamp::from_millis(0);
    NewLink {
        id: None,
        owner: None,
        short_code: "abc".parse().expect("a code"),
        target: TARGET.parse().expect("a target"),
        title: None,
        is_active: true,
        created_at: made_at,
        updated_at: made_at,
    }
}

/// Both ends of a connection, the server's first. It takes some hundred KiB of requests and of answers before somebody reads.
pub(crate) fn connection() -> (TcpStream, TcpStream) {
    const BYTES: usize = 200 * 1024;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    // Inherited by what is accepted, which can have a wide window only from its beginning.
    set_socket_recv_buffer_size(&listener, BYTES).expect("a socket");
    set_socket_send_buffer_size(&listener, BYTES).expect("a socket");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (server, _) = listener.accept().expect("somebody connects");
    server.set_nonblocking(true).expect("a socket");
    (server, client)
}
