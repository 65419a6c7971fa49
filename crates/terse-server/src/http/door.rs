//! The door: accepts connections and lets each live as long as it behaves.
//!
//! Our own loop, because `axum::serve` gives hyper no timer, and without one its header time-out never fires.

mod descriptors;
mod stall;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Service;
use crate::lifecycle::Tasks;
use stall::Stalling;

pub use descriptors::connections_within_limit;
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

/// Accepts connections until the tasks are told to stop; at most `connections_max` are open at a time, more wait in
/// the system's queue.
pub async fn accept(listener: TcpListener, service: Service, connections_max: usize, tasks: &Tasks) {
    let places = Arc::new(Semaphore::new(connections_max));
    let stopping = tasks.stopping();
    loop {
        let next = async {
            let place = Arc::clone(&places)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(serve(stream, service.clone(), tasks.clone(), place));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("no connection can be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
}

/// The client went away before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn serve(stream: TcpStream, service: Service, tasks: Tasks, _place: OwnedSemaphorePermit) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WITHIN)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Stalling::new(stream)), answer)
    );
    let stopping = tasks.stopping();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}
