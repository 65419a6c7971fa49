//! Ten thousand clients who say nothing, and one who follows links.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use terse_core::{Clock, SystemClock};

use crate::server::Server;

const CROWD: u64 = 10_000;
/// Of this process and of the server, for everything else: the tests beside this one have their own connections.
const DESCRIPTORS_RESERVED: u64 = 1_000;
/// Who is silent for longer may be closed for that, on a machine with so much else to do.
const SILENT_AT_MOST: Duration = Duration::from_secs(10);
const VISIT: &[u8] = b"GET /abc HTTP/1.1\r\nhost: x\r\n\r\n";

/// How many connections this process can hold, [`CROWD`] if the system's hard limit lets it.
fn crowd_within_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = CROWD + DESCRIPTORS_RESERVED;
    let allowed = maximum
        .unwrap_or(wanted)
        .min(wanted)
        .max(current.unwrap_or(wanted));
    let raised = Rlimit {
        current: Some(allowed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the maximum there is no question");
    let held = CROWD.min(allowed - DESCRIPTORS_RESERVED.min(allowed / 2));
    if held < CROWD {
        let said = writeln!(
            std::io::stderr(),
            "the system allows {allowed} open files: {held} clients"
        );
        said.expect("a place to say so");
    }
    held
}

fn follow(mut connection: &TcpStream) {
    connection.write_all(VISIT).expect("the server reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 512];
        let read = connection.read(&mut bytes).expect("an answer");
        assert!(read > 0, "closed");
        answer.extend(&bytes[..read]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 302"));
}

#[test]
fn ten_thousand_silent_clients_are_held_while_links_are_followed() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--max-connections", "11000"]);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let held = crowd_within_limit();
    let visitor = server.connect();
    let clock = SystemClock::new();
    let mut crowd = Vec::new();
    for number in 0..held {
        crowd.push((clock.elapsed(), server.connect()));
        if number % 10 == 0 {
            follow(&visitor);
        }
    }
    // Each still has his place: a sample of them, and one more, are answered.
    for (opened, connection) in crowd.iter().rev().step_by(100) {
        if clock.elapsed().saturating_sub(*opened) < SILENT_AT_MOST {
            follow(connection);
        }
    }
    follow(&server.connect());
    let memory_kib = server.memory_kib();
    assert!(
        memory_kib < 200 * 1024,
        "{held} connections hold {memory_kib} KiB"
    );
    drop(crowd);
    follow(&visitor);
}
