//! The door: accepts connections and lets each live as long as it behaves.
//!
//! Our own loop, because `axum::serve` gives hyper no timer, and without one its header time-out never fires.

mod descriptors;
pub(super) mod general;
mod place;
mod stall;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;

use super::Service;
use super::express::{Arrival, Express, StopOnDrop};
use crate::lifecycle::Tasks;
use crate::telemetry::Refusal;

pub use descriptors::connections_within_limit;
pub use place::PerAddress;
pub(super) use place::{Place, Places};
pub(super) use stall::Stalling;
pub use stall::WRITE_WITHIN;

/// A request's head must have arrived this long after the connection is open or the last answer has left; so it is
/// also how long a kept-alive connection may idle.
pub const HEADER_WITHIN: Duration = Duration::from_secs(15);
/// Header fields of a request at most.
pub const HEADERS_MAX: usize = 64;
/// Bytes of a request's head at most.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// When the system has no file descriptor or memory for a connection, the next try waits this long.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// When the door closes, so many of those who wait before it are let in: the length of the system's queue.
const WAITING_MAX: usize = 1024;
/// While all places are taken, silent connections are looked for this often.
const MAKE_ROOM_EVERY: Duration = Duration::from_secs(1);
/// To a client with too many connections: the answer to whatever it asks.
const TOO_MANY: &str = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"Too many connections\",\"error\":\"Too many connections\"}";

/// How connections are let in.
#[derive(Debug, Clone, Copy)]
pub struct DoorOptions {
    /// At most this many are open at a time; more wait in the system's queue.
    pub connections_max: usize,
    /// How many of them one address may have.
    pub per_address: PerAddress,
    /// Threads that answer plain visits. 0 when an answer has to wait for the disk, which they cannot.
    pub express_threads: usize,
}

/// Accepts connections until the tasks are told to stop.
pub async fn accept(listener: TcpListener, service: Service, options: DoorOptions, tasks: &Tasks) {
    let connections = &service.app().telemetry.connections;
    let places = Places::new(
        options.connections_max,
        options.per_address,
        Arc::clone(connections),
    );
    let (express, _stop) = start_express(options.express_threads, &service, tasks).unzip();
    let stopping = tasks.stopping();
    loop {
        let next = async {
            let place = wait_for_place(&places, express.as_ref()).await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => match places.take(place, peer.ip()) {
                Ok(place) => admit(stream, place, express.as_ref(), &service, tasks),
                Err(place::TooMany) => refuse(&stream, peer.ip()),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                connections.refused(Refusal::System);
                tracing::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    let waiting = admit_waiting(listener, &places, |stream, place| {
        admit(stream, place, express.as_ref(), &service, tasks);
    });
    if let Err(error) = waiting {
        tracing::warn!("connections that waited are not answered: {error}");
    }
}

/// A place for the next connection. When all are taken, those who hold theirs in silence lose them first.
async fn wait_for_place(places: &Places, express: Option<&Express>) -> OwnedSemaphorePermit {
    loop {
        if let Some(place) = places.free() {
            return place;
        }
        if let Some(express) = express {
            express.make_room();
        }
        tokio::select! {
            place = places.wait() => return place,
            () = tokio::time::sleep(MAKE_ROOM_EVERY) => {}
        }
    }
}

/// Lets in those who came before the door closes: for their systems they are connected, and may have sent a request.
fn admit_waiting(
    listener: TcpListener,
    places: &Places,
    mut admit: impl FnMut(TcpStream, Place),
) -> io::Result<()> {
    let listener = listener.into_std()?;
    for _ in 0..WAITING_MAX {
        let Some(place) = places.free() else { break };
        let (stream, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        };
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream)?;
        match places.take(place, peer.ip()) {
            Ok(place) => admit(stream, place),
            Err(place::TooMany) => refuse(&stream, peer.ip()),
        }
    }
    Ok(())
}

/// Without the express lane everything is answered, only slower.
fn start_express(threads: usize, service: &Service, tasks: &Tasks) -> Option<(Express, StopOnDrop)> {
    if threads == 0 {
        return None;
    }
    Express::start(threads, service, tasks)
        .inspect_err(|error| tracing::warn!("visits are answered the slow way: {error}"))
        .ok()
}

/// The client went away before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn admit(stream: TcpStream, place: Place, express: Option<&Express>, service: &Service, tasks: &Tasks) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let Some(express) = express else {
        let (service, tasks_of_it) = (service.clone(), tasks.clone());
        tasks.spawn(async move {
            general::serve(stream, Vec::new(), service, &tasks_of_it, place, None).await;
        });
        return;
    };
    let given = stream.into_std().map(|stream| {
        express.give(Arrival {
            stream,
            unanswered: Vec::new(),
            is_looked_up: false,
            arrived_at: Duration::ZERO,
            place,
        })
    });
    match given {
        Ok(Ok(())) => {}
        // The threads have failed, and said so.
        Ok(Err(arrival)) => {
            let (service, tasks_of_it) = (service.clone(), tasks.clone());
            tasks.spawn(async move { arrival.serve_generally(service, &tasks_of_it, None).await });
        }
        Err(error) => tracing::warn!("a connection cannot be waited for and is closed: {error}"),
    }
}

/// Says why, if the client's system takes it at once, and closes.
fn refuse(stream: &TcpStream, address: IpAddr) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
         content-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    let _ = stream.try_write(answer.as_bytes());
    tracing::debug!(%address, "an address has too many connections open");
}
