//! Copies into databases that are in use.

use super::{copy, database, folder, serve, sqlite, stderr, stdout};
use crate::server::Server;

#[test]
fn a_copy_into_a_database_that_a_server_uses_is_refused_by_force_as_well() {
    let (url, data, other) = (database(), folder(), folder());
    let source = Server::start(other.path());
    assert_eq!(source.shorten("https://example.com/other", "other").0, 201);
    assert_eq!(source.stop().code(), Some(0));
    let server = serve(&url, data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    while server.get("/readyz").1["components"]["bus"]["status"] != "ok" {}
    let refused = copy(&sqlite(other.path()), &url, &["--force"]);
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    let text = stderr(&refused);
    assert!(
        text.contains("in use by running servers; nothing was copied"),
        "{text}"
    );
    assert_eq!(server.get("/urls/1").1["short_code"], "abc");
    assert_eq!(server.stop().code(), Some(0));
    stdout(&copy(&sqlite(other.path()), &url, &["--force"]));
    assert_eq!(serve(&url, data.path()).get("/other").0, 302);
}
