//! How many connections are let in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::server::{Server, serve_arguments, terse};

const VISIT: &[u8] = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

fn status(mut connection: &TcpStream) -> String {
    // Fails when the server has refused the connection already; its reason is there to be read.
    let _ = connection.write_all(VISIT);
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_address_with_all_its_connections_is_refused_until_one_ends() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--max-connections-per-address", "3"]);
    let open: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &open {
        assert_eq!(status(connection), "HTTP/1.1 200");
    }
    assert_eq!(status(&server.connect()), "HTTP/1.1 503");
    drop(open);
    // The server hears of the end when it comes to it.
    while status(&server.connect()) != "HTTP/1.1 200" {}
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
        assert_eq!(status(&connection), "HTTP/1.1 200");
    }
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.stop().code(), Some(0));
}
