//! Stopping while clients are connected: whoever was heard is answered.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use super::statuses;
use crate::server::Server;

const VISIT: &[u8] = b"GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: last\r\n\r\n";

fn server_with_abc(data_dir: &std::path::Path) -> Server {
    let server = Server::start(data_dir);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    server
}

fn read_all(mut connection: TcpStream) -> String {
    let mut answers = String::new();
    connection
        .read_to_string(&mut answers)
        .expect("the server closes");
    answers
}

#[test]
fn idle_connections_do_not_keep_a_server_from_stopping() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let idle: Vec<_> = (0..500).map(|_| server.connect()).collect();
    for mut connection in idle.iter().step_by(3) {
        connection.write_all(VISIT).expect("the server reads");
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 302");
    }
    assert_eq!(server.stop().code(), Some(0));
    drop(idle);
    let (_, link) = Server::start(data.path()).get("/urls/1");
    assert_eq!(link["click_count"], 167);
}

#[test]
fn what_was_sent_before_the_signal_is_answered() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let known: Vec<_> = (0..50)
        .map(|_| {
            let mut connection = server.connect();
            connection.write_all(VISIT).expect("the server reads");
            let mut answer = [0; 12];
            connection.read_exact(&mut answer).expect("an answer");
            connection
        })
        .collect();
    // While it is stopped, the system takes connections and requests for it.
    server.signal(Signal::STOP);
    let new = (0..50).map(|_| server.connect());
    let all: Vec<_> = known.into_iter().chain(new.collect::<Vec<_>>()).collect();
    for (number, mut connection) in all.iter().enumerate() {
        connection
            .write_all(&VISIT.repeat(1 + number % 3))
            .expect("the system takes it");
    }
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    let mut answered = 0;
    for (number, connection) in all.into_iter().enumerate() {
        let answers = read_all(connection);
        let expected = vec!["302"; 1 + number % 3];
        assert_eq!(statuses(&answers), expected, "connection {number}: {answers}");
        // What was answered before the signal was seen does not say it.
        let (before_last, _) = answers.trim_end().rsplit_once("HTTP/1.1").unwrap_or_default();
        assert!(!before_last.contains("connection: close"), "{answers}");
        answered += expected.len();
    }
    assert_eq!(server.wait().code(), Some(0));
    let (_, link) = Server::start(data.path()).get("/urls/1");
    assert_eq!(link["click_count"], 50 + answered);
}
