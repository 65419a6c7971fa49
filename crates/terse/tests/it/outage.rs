//! What the server leans on fails while it serves. Here: another process holds the database's write lock.

mod full;
mod read_only;

use std::time::Duration;

use serde_json::Value;

use crate::server::Server;
use crate::torture::client::Client;

const VISITS: usize = 200;
/// Makes a click's record so long that a segment is full after a thousand.
const TARGET_BYTES: usize = 8_000;
/// The smallest that there is: 64 MiB, in segments of 8 MiB at most.
const SMALL_JOURNAL: [&str; 2] = ["--journal-max-mib", "64"];

/// Somebody who visits one link again and again, over one connection, and is redirected each time.
struct Visitor {
    client: Client,
    visits: u64,
}

impl Visitor {
    /// Makes the link, with a long target.
    fn of_long_link(server: &Server) -> Self {
        let target = format!("https://example.com/{}", "-".repeat(TARGET_BYTES));
        assert_eq!(server.shorten(&target, "long").0, 201);
        Self {
            client: Client::of(server),
            visits: 0,
        }
    }

    fn visit(&mut self, times: u64) {
        for _ in 0..times {
            let answer = self.client.request("GET", "/long", "somebody", "");
            assert_eq!(answer.expect("the server lives").status, 302);
        }
        self.visits += times;
    }

    /// Visits until there is no room left, in whatever lane.
    fn visit_until_shed(&mut self, server: &Server) {
        const ALL: u64 = 100;
        loop {
            let before = shed(server);
            self.visit(ALL);
            if shed(server) == before + ALL {
                return;
            }
        }
    }

    /// Visits until a click is recorded again; the server looks ten times a second whether it can.
    fn visit_until_recorded(&mut self, server: &Server) {
        loop {
            let before = shed(server);
            self.visit(1);
            if shed(server) == before {
                return;
            }
        }
    }

    /// How many of the visits must be in the database in the end.
    fn recorded(&self, server: &Server) -> u64 {
        self.visits - shed(server)
    }
}

fn health(server: &Server) -> Value {
    let (status, health) = server.get("/health");
    assert_eq!((status, &health["status"]), (200, &Value::from("ok")));
    health
}

fn shed(server: &Server) -> u64 {
    health(server)["shed_clicks"].as_u64().expect("a number")
}

/// The first link's clicks, as soon as there are `expected`: the shipper's pause after a refusal may be longer than a reader
/// waits.
fn clicks_up_to(server: &Server, expected: u64) -> u64 {
    loop {
        let count = server.get("/urls/1").1["click_count"].as_u64().expect("a number");
        if count >= expected {
            return count;
        }
    }
}

/// Holds the write lock until the transaction is dropped.
fn lock(database: &std::path::Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(database).expect("a database");
    connection
        .busy_timeout(Duration::from_secs(10))
        .expect("a time-out");
    connection.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    connection
}

#[test]
fn clicks_wait_for_a_database_that_is_locked_and_are_there_once() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let lock = lock(&data.path().join("terse.db"));
    for _ in 0..VISITS {
        assert_eq!(server.get("/abc").0, 302);
    }
    let body = r#"{"url":"https://example.com","short_code":"new"}"#;
    let answer = server.whole_answer("POST", "/shorten", body);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    assert_eq!(server.get("/abc").0, 302);
    lock.execute_batch("ROLLBACK").expect("ours");

    assert_eq!(server.shorten("https://example.com", "new").0, 201);
    let expected = VISITS as u64 + 1;
    assert_eq!(clicks_up_to(&server, expected), expected);
    assert_eq!(server.stop().code(), Some(0));
    let (_, link) = Server::start(data.path()).get("/urls/1");
    assert_eq!(link["click_count"], expected);
}
