//! A connection as hyper serves it: for requests of every kind.

use std::cell::Cell;
use std::convert::Infallible;
use std::io::Cursor;
use std::pin::pin;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{HEAD_BYTES_MAX, HEADER_WITHIN, HEADERS_MAX, Place, Stalling};
use crate::http::Service;
use crate::http::redirect::Failure;
use crate::lifecycle::Tasks;

/// Answers requests until the client or time ends the connection: first those in `unanswered`, which was read of
/// `stream` already. `failure` answers the first of them if it is a visit, whose code was looked up in vain.
pub(in crate::http) async fn serve(
    stream: TcpStream,
    unanswered: Vec<u8>,
    service: Service,
    tasks: &Tasks,
    _place: Place,
    failure: Option<Failure>,
) {
    let failure = Cell::new(failure);
    let answer = service_fn(move |request| {
        let (service, failure) = (service.clone(), failure.take());
        async move { Ok::<_, Infallible>(service.answer_after(request, failure).await) }
    });
    let (reader, writer) = stream.into_split();
    let stream = tokio::io::join(Cursor::new(unanswered).chain(reader), Stalling::new(writer));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_WITHIN)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            // Who has said all still waits for the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), answer)
    );
    let stopping = tasks.stopping();
    let ended = tokio::select! {
        // First, so that a request that is here already counts as begun when it is time to stop.
        biased;
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

#[cfg(test)]
mod tests;
