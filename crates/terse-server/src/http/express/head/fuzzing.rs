//! What must hold for any bytes that a connection begins with: what the express lane takes for a visit is one for hyper, the
//! same method, path and headers in the same bytes.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{glance, read};
use crate::http::door::{HEAD_BYTES_MAX, HEADERS_MAX};
use crate::http::visitor::VisitorHeaders;

/// Behind the visit: hyper finds it only if it sees the visit's end where we do.
const NEXT: &[u8] = b"GET /-next HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n";

/// Reads `bytes` as a thread of the express lane and as hyper does.
///
/// # Panics
/// If hyper sees something else in them than the visit that was read.
pub fn head(bytes: &[u8]) {
    is_visit_for_both(bytes);
}

/// Whether `bytes` begin with a visit. No more of them is read than a connection's buffer holds.
pub(super) fn is_visit_for_both(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
    let Some(visit) = read(bytes, || {}) else {
        return false;
    };
    let seen = glance(bytes).unwrap_or(visit.code.as_bytes());
    assert_eq!(seen, visit.code.as_bytes(), "nothing else is brought near");
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
    let id = request.headers().get("x-request-id").map(HeaderValue::as_bytes);
    assert_eq!(id, visit.request_id);
    true
}

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
