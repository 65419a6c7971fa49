//! What is taken for a visit here is one for hyper: the same method, path and headers in the same bytes.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::read;
use crate::http::door::{HEAD_BYTES_MAX, HEADERS_MAX};
use crate::http::visitor::VisitorHeaders;

/// Behind the visit: hyper finds it only if it sees the visit's end where we do.
const NEXT: &[u8] = b"GET /-next HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n";

const PIECES: [&str; 36] = [
    "GET ",
    "HEAD ",
    "/abc",
    "/a-b_9",
    "?x=1",
    "?%20",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n",
    "\n",
    "\r",
    "host: x",
    "Host:x",
    "user-agent: a",
    "referer: \u{e9}",
    "x-request-id: 1",
    "connection: keep-alive",
    "connection: close",
    "expect: x",
    "content-length: 0",
    "content-length: 5",
    "transfer-encoding: chunked",
    "upgrade: h2c",
    "dnt: 1",
    "a!#$%&'*+.^`|~: b",
    ":",
    " ",
    "\t",
    "\0",
    "\u{7f}",
    "\"",
    "#",
    "@",
    "(",
    "x: y\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\n",
];

/// The requests that hyper finds in `bytes`.
fn requests_in(bytes: &[u8]) -> Vec<Request<()>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        noted.lock().expect("no panic").push(request.map(drop));
        async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(bytes).await.expect("there is room");
        client.shutdown().await.expect("ours");
        let mut builder = http1::Builder::new();
        builder
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .half_close(true);
        // An error is hyper's way to say that something is no request.
        let _ = builder.serve_connection(TokioIo::new(server), service).await;
        let _ = client.read_to_end(&mut Vec::new()).await;
    });
    std::mem::take(&mut *seen.lock().expect("no panic"))
}

/// Whether `bytes` begin with a visit; panics when hyper sees something else in it.
fn agrees(bytes: &[u8]) -> bool {
    let Some(visit) = read(bytes) else { return false };
    let requests = requests_in(&[&bytes[..visit.bytes], NEXT].concat());
    assert_eq!(requests.len(), 2, "hyper sees the same end");
    assert_eq!(requests[1].uri().path(), "/-next");
    let request = &requests[0];
    assert_eq!(
        request.method().as_str(),
        if visit.is_head { "HEAD" } else { "GET" }
    );
    assert_eq!(request.uri().path(), format!("/{}", visit.code));
    let mut noted = VisitorHeaders::default();
    for (name, value) in request.headers() {
        noted.note(name.as_str(), value.as_bytes());
    }
    let (theirs, ours) = (noted.visitor(visit.is_head), visit.headers.visitor(visit.is_head));
    assert_eq!(
        (
            theirs.user_agent,
            theirs.referrer,
            theirs.is_prefetch,
            theirs.is_private
        ),
        (ours.user_agent, ours.referrer, ours.is_prefetch, ours.is_private)
    );
    let id = request
        .headers()
        .get("x-request-id")
        .map(http::HeaderValue::as_bytes);
    assert_eq!(id, visit.request_id);
    true
}

proptest! {
    #[test]
    fn what_is_taken_for_a_visit_is_one_for_hyper(
        pieces in vec(select(&PIECES[..]), 0..12),
        header_lines in vec((select(&PIECES[11..]), select(&["\r\n", "\n", "\r\n", "\r"][..])), 0..6),
        stray in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        agrees(pieces.concat().as_bytes());
        let lines: String = header_lines.iter().flat_map(|(line, end)| [*line, *end]).collect();
        let mut likely = format!("GET /abc?a=b HTTP/1.1\r\nhost: x\r\n{lines}\r\n").into_bytes();
        agrees(&likely);
        if let Some((at, byte)) = stray {
            let at = at.index(likely.len());
            likely[at] = byte;
            agrees(&likely);
        }
    }
}

#[test]
fn the_longest_head_and_the_most_headers_are_visits_for_both() {
    let fields = "x: y\r\n".repeat(HEADERS_MAX - 1);
    assert!(agrees(
        format!("GET /abc HTTP/1.1\r\nhost: x\r\n{fields}\r\n").as_bytes()
    ));
    let long = "v".repeat(HEAD_BYTES_MAX - 200);
    assert!(agrees(
        format!("GET /abc HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes()
    ));
}
