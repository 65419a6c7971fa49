//! What `terse import` takes, what it skips, and when it fails.

use std::fs;

use serde_json::json;

use super::{Scratch, import};
use crate::server::Server;

#[test]
fn an_import_names_what_it_skipped_and_can_be_run_again() {
    let scratch = Scratch::new();
    let first = import(&scratch.path("data"), scratch.0.path(), &[]);
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(first.stdout, @r"
    users: 4 rows read, 2 imported, 0 already there, 2 skipped
      row 4 skipped: user 3 (ada) repeats the user name of user 1, who keeps it
      row 5 skipped: user 4 (dan) repeats the e-mail address of user 2, who keeps it
    links: 4 rows read, 3 imported, 0 already there, 1 skipped
      2 of skipped users went to the users who kept the name
      row 5 skipped: URL must start with http:// or https://
    events: 3 rows read, 3 imported, 0 already there, 0 skipped
      2 of skipped users went to the users who kept the name
    ");
    let again = import(&scratch.path("data"), scratch.0.path(), &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&again.stdout).expect("JSON");
    assert_eq!(
        report["urls"],
        json!({
            "read": 4, "inserted": 0, "already_there": 3, "reassigned": 2, "skipped_total": 1,
            "skipped": [{ "row": 5, "reason": "URL must start with http:// or https://" }],
        })
    );
}

#[test]
fn an_import_of_which_every_row_is_skipped_fails_and_one_without_rows_does_not() {
    let scratch = Scratch::new();
    let import = |content: &str, more: &[&str]| {
        fs::write(scratch.path("some.csv"), content).expect("a scratch file");
        let file = scratch.path("some.csv").display().to_string();
        scratch.run(&[&["import", "--users", &file], more].concat())
    };
    let header = "id,username,email,created_at\n";
    let done = import(&format!("{header}0,ada,ada@a.example,2024-01-02 17:05:09\n"), &[]);
    assert_eq!(
        (done.code, done.stderr.as_str()),
        (
            Some(1),
            "error: nothing was imported: every row was skipped, the report says why\n"
        )
    );
    assert!(
        done.stdout.contains("row 2 skipped: id must be"),
        "{}",
        done.stdout
    );
    let done = import(&format!("{header}1,ada,,\n"), &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(
        (done.code, &report["users"]["skipped_total"]),
        (Some(1), &json!(1))
    );
    assert_eq!(import(header, &[]).code, Some(0));
    let good = format!("{header}1,ada,ada@a.example,2024-01-02 17:05:09\n0,,,\n");
    assert_eq!(import(&good, &[]).code, Some(0));
    assert_eq!(import(&good, &[]).code, Some(0), "it is all there");
}

#[test]
fn imported_links_redirect_or_are_gone_and_keep_their_clicks() {
    let scratch = Scratch::imported();
    let server = Server::start(&scratch.path("data"));
    assert_eq!(server.get("/aaaa").0, 302);
    assert_eq!(server.get("/bbbb").0, 410);
    let (_, link) = server.get("/urls/2");
    assert_eq!((&link["user_id"], &link["click_count"]), (&json!(1), &json!(1)));
    let (status, link) = server.shorten("https://example.com", "fresh");
    assert_eq!((status, &link["id"]), (201, &json!(4)));
}

#[test]
fn an_import_beside_a_server_is_refused_and_says_what_to_do() {
    let scratch = Scratch::new();
    let server = Server::start(&scratch.path("data"));
    let done = import(&scratch.path("data"), scratch.0.path(), &[]);
    assert_eq!(done.code, Some(3));
    assert!(
        done.stderr.contains(&server.address) && done.stderr.contains("stop that process first"),
        "{}",
        done.stderr
    );
}
