//! The journal's folder cannot be written for a while.

use std::fs::{Permissions, set_permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{SMALL_JOURNAL, Visitor, clicks_up_to, shed};
use crate::server::{Server, serve_within};

/// A server to which permissions apply, root or not; `None` where root may not let go of what lifts them.
fn obedient_server(data_dir: &Path) -> Option<Server> {
    if !rustix::process::geteuid().is_root() {
        return Some(Server::start_with(data_dir, &SMALL_JOURNAL));
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.arg("--bounding-set=-dac_override,-dac_read_search");
    Server::spawn(serve_within(setpriv, data_dir).args(SMALL_JOURNAL))
}

fn segments(journal: &Path) -> usize {
    std::fs::read_dir(journal).expect("a folder").count()
}

#[test]
fn clicks_for_which_no_segment_can_be_made_are_shed_until_the_folder_can_be_written_again() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let Some(server) = obedient_server(data.path()) else {
        let reason = "skipped: setpriv could not take root's right to write anywhere from the server";
        // To stderr itself, which a test that succeeds shows.
        let _ = writeln!(std::io::stderr(), "{reason}");
        return;
    };
    let mut visitor = Visitor::of_long_link(&server);
    visitor.visit(1);
    let journal = data.path().join("journal");
    set_permissions(&journal, Permissions::from_mode(0o500)).expect("ours");

    visitor.visit_until_shed(&server);
    let before = shed(&server);
    visitor.visit(50);
    assert_eq!(shed(&server), before + 50, "each of them is counted");
    assert_eq!(server.shorten("https://example.com", "new").0, 201);
    let expected = visitor.recorded(&server);
    assert_eq!(clicks_up_to(&server, expected), expected, "what fitted is there");
    let stuck = segments(&journal);

    set_permissions(&journal, Permissions::from_mode(0o700)).expect("ours");
    visitor.visit_until_recorded(&server);
    let after = shed(&server);
    visitor.visit(50);
    assert_eq!(shed(&server), after, "there is room again");
    let expected = visitor.recorded(&server);
    assert_eq!(server.stop().code(), Some(0));
    assert!(
        segments(&journal) < stuck,
        "segments that could not be removed then are removed now"
    );
    assert_eq!(
        Server::start(data.path()).get("/urls/1").1["click_count"],
        expected
    );
}
