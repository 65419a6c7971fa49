//! Places among the open connections: who gets one, and who loses his.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::server::{Server, serve_arguments, terse};

const LIVEZ: &[u8] = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// The status line and all else that is answered until the server closes.
fn answer(mut connection: TcpStream, request: &[u8]) -> String {
    // These fail when the server has refused the connection already; its reason is there to be read.
    let _ = connection.write_all(request);
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer);
    String::from_utf8(answer).expect("text")
}

#[test]
fn silent_connections_lose_their_places_when_others_want_them() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--max-connections", "20"]);
    let silent: Vec<_> = (0..20).map(|_| server.connect()).collect();
    // Without that it would wait for the time-out of fifteen seconds, longer than a client of the tests does.
    assert!(answer(server.connect(), LIVEZ).starts_with("HTTP/1.1 200"));
    drop(silent);
}

#[test]
fn an_address_with_too_many_connections_is_told_so_until_one_ends() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--max-connections-per-address", "3"]);
    let mut holders: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &mut holders {
        // Answered, so it has its place.
        connection
            .write_all(b"GET /no HTTP/1.1\r\nhost: x\r\n\r\n")
            .expect("the server reads");
        let mut status = [0; 12];
        connection.read_exact(&mut status).expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 404");
    }
    let mut refusal = String::new();
    server
        .connect()
        .read_to_string(&mut refusal)
        .expect("the server closes");
    assert!(refusal.starts_with("HTTP/1.1 503"), "{refusal}");
    let (head, body) = refusal.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{refusal}"
    );
    let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(problem["error"], "Too many connections");
    drop(holders);
    // The server hears of the end when it comes to it.
    while !answer(server.connect(), LIVEZ).starts_with("HTTP/1.1 200") {}
}

#[test]
fn a_server_with_few_descriptors_serves_its_share_and_then_the_others() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 150; exec \"$0\" \"$@\""])
        .arg(terse().get_program())
        .args(serve_arguments(data.path()));
    let server = Server::spawn(&mut command).expect("it starts");
    let waiting: Vec<_> = (0..150).map(|_| server.connect()).collect();
    for connection in waiting {
        assert!(answer(connection, LIVEZ).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.stop().code(), Some(0));
}
