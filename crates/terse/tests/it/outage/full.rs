//! The database refuses clicks until the journal has as many bytes as it may.

use super::{SMALL_JOURNAL, Visitor, clicks_up_to, health, shed};
use crate::server::Server;

#[test]
fn clicks_beyond_the_limit_are_counted_as_shed_and_the_others_are_there_once() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &SMALL_JOURNAL);
    let mut visitor = Visitor::of_long_link(&server);
    let database = rusqlite::Connection::open(data.path().join("terse.db")).expect("a database");
    database
        .execute_batch(
            "CREATE TRIGGER refusal BEFORE INSERT ON click_blocks BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .expect("the server has made its tables");

    visitor.visit_until_shed(&server);
    let before = shed(&server);
    visitor.visit(50);
    assert_eq!(shed(&server), before + 50, "each of them is counted");
    let (status, link) = server.get("/urls/1");
    assert_eq!(
        (status, link["click_count"].as_u64()),
        (200, Some(0)),
        "a reader gets what is there"
    );
    let health = health(&server);
    assert_eq!(health["database"], "unavailable");
    assert_eq!(health["unshipped_clicks"], visitor.recorded(&server));

    database
        .execute_batch("DROP TRIGGER refusal")
        .expect("it is there");
    visitor.visit_until_recorded(&server);
    let expected = visitor.recorded(&server);
    assert_eq!(clicks_up_to(&server, expected), expected);
    assert_eq!(super::health(&server)["database"], "ok");
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(
        Server::start(data.path()).get("/urls/1").1["click_count"],
        expected
    );
}
