//! Raw bytes at the door: one request gets one answer, whatever is sent.

mod differential;
mod endings;
mod limits;
mod pipelines;
mod places;

use std::io::{Read, Write};

use crate::server::Server;

/// All that the server answers before it closes the connection, which the last request asks it to.
pub(crate) fn answers_to(server: &Server, bytes: &[u8]) -> String {
    let mut connection = server.connect();
    connection.write_all(bytes).expect("the server reads");
    let mut answer = Vec::new();
    connection
        .read_to_end(&mut answer)
        .expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of the answers, in their order.
fn statuses(answers: &str) -> Vec<&str> {
    let words = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| answer.split(' ').next().unwrap_or(""));
    words
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[test]
fn rubbish_is_refused_and_the_next_client_served() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let long = "a".repeat(20_000);
    for (request, status) in [
        ("GET /a\u{1}b HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("GET /a\0 HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", "400"),
        (
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nname : value\r\n\r\n",
            "400",
        ),
        ("GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n", "400"),
        (
            "GET /livez HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
            "400",
        ),
        ("GET /livez HTTP/9.9\r\nhost: x\r\n\r\n", "400"),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", "400"),
        (&format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"), "431"),
        (&format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n"), "431"),
        (
            &format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(100)),
            "431",
        ),
    ] {
        assert_eq!(
            statuses(&answers_to(&server, request.as_bytes())),
            [status],
            "{request:.60?}"
        );
    }
    assert_eq!(server.get("/livez").0, 200);
    assert_eq!(server.get("/events").1, serde_json::json!([]));
}

#[test]
fn no_request_can_be_hidden_in_another() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for framing in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5, 6\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 99999999999999999999\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "content-length: 5\r\ntransfer-encoding : chunked\r\n",
    ] {
        let request = format!("POST /shorten HTTP/1.1\r\nhost: x\r\n{framing}\r\n0\r\n\r\n{hidden}");
        let answers = answers_to(&server, request.as_bytes());
        assert_eq!(statuses(&answers), ["400"], "{framing:?}: {answers}");
    }
    // Both framings at once: chunked counts (RFC 9112, 6.3), and the connection ends with the answer.
    let both = format!(
        "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    let answers = answers_to(&server, both.as_bytes());
    assert_eq!(statuses(&answers), ["400"], "{answers}");
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let requests = "GET /abc HTTP/1.1\r\nhost: x\r\n\r\nGET /nosuch HTTP/1.1\r\nhost: x\r\n\r\nHEAD /abc HTTP/1.1\r\nhost: x\r\n\r\n\
                    GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(
        statuses(&answers_to(&server, requests.as_bytes())),
        ["302", "404", "302", "200"]
    );
}

#[test]
fn old_and_unusual_requests_are_understood() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    for (request, status) in [
        ("GET /abc HTTP/1.0\r\n\r\n", "HTTP/1.0 302"),
        (
            "GET http://sho.rt/abc HTTP/1.1\r\nhost: sho.rt\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 302",
        ),
        (
            "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 302",
        ),
        (
            "\r\nGET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 302",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 404",
        ),
    ] {
        let answer = answers_to(&server, request.as_bytes());
        assert!(answer.starts_with(status), "{request:?}: {answer}");
    }
}
