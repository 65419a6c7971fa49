//! Raw bytes at the door: one request gets one answer, whatever is sent.

mod crowd;
mod differential;
mod endings;
mod pipelines;
mod places;
mod smuggling;

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

#[test]
fn an_old_client_keeps_its_connection_only_if_it_asks_to() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let asks = "GET /abc HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let does_not = "GET /abc HTTP/1.0\r\n\r\n";
    for (requests, answered) in [
        ([does_not, asks].concat(), 1),
        ([asks, does_not].concat(), 2),
        ([asks, asks, does_not, asks].concat(), 3),
    ] {
        let answers = answers_to(&server, requests.as_bytes());
        assert_eq!(
            answers.matches("HTTP/1.0 302 ").count(),
            answered,
            "{requests:?}: {answers}"
        );
    }
}

#[test]
fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let body = r#"{"url":"https://example.com","short_code":"abc"}"#;
    let head = format!(
        "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut connection = server.connect();
    connection.write_all(head.as_bytes()).expect("the server reads");
    let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    connection.read_exact(&mut interim).expect("an interim answer");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.write_all(body.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("the server closes");
    assert_eq!(statuses(&answer), ["201"]);
    // Who is answered without his body is not told to send it.
    for (request, status) in [
        ("GET /abc", "302"),
        ("GET /nosuch", "404"),
        ("DELETE /links/no", "404"),
    ] {
        let request =
            format!("{request} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
        let answers = answers_to(&server, request.as_bytes());
        assert_eq!(statuses(&answers), [status], "{request:?}: {answers}");
    }
}
