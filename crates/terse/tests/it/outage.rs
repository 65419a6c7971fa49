//! The database refuses while the server serves: another process holds its write lock.

use std::time::Duration;

use crate::server::Server;

const VISITS: usize = 200;

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
    // The shipper's pause after a refusal may be longer than a reader waits.
    let mut count = 0;
    while count < expected {
        count = server.get("/urls/1").1["click_count"].as_u64().expect("a number");
    }
    assert_eq!(count, expected);
    assert_eq!(server.stop().code(), Some(0));
    let (_, link) = Server::start(data.path()).get("/urls/1");
    assert_eq!(link["click_count"], expected);
}
