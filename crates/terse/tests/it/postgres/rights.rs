//! Replicas whose user may not change tables, with the rights that `docs/replicas.md` says they need.

use std::ffi::OsStr;

use super::{EVENTS, URLS, USERS, database, folder, psql, run, serve, stderr, stdout};
use crate::server::repository;

/// The statements of the document, for a user of this run.
fn grants(user: &str) -> String {
    let document = std::fs::read_to_string(repository().join("docs/replicas.md")).expect("it is there");
    let (_, after) = document.split_once("```sql\n").expect("a block of SQL");
    let (statements, _) = after.split_once("```").expect("its end");
    assert_eq!(statements.matches("GRANT ").count(), 3, "{statements}");
    statements.replace("terse_serve", user)
}

#[test]
fn a_user_who_may_not_change_tables_serves_and_imports() {
    let (owner, data) = (database(), folder());
    let user = format!("serve_{}", std::process::id());
    psql(&owner, &format!("CREATE ROLE {user} LOGIN"));
    let url = owner.replace("//postgres@", &format!("//{user}@"));
    assert_ne!(url, owner);
    let too_early = run(&url, data.path(), &["migrate"]);
    assert!(
        stderr(&too_early).contains("permission denied"),
        "{}",
        stderr(&too_early)
    );
    stdout(&run(&owner, data.path(), &["migrate"]));
    psql(&owner, &grants(&user));

    let server = serve(&url, data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.get("/abc").0, 302);
    assert_eq!(server.get("/urls/1").1["click_count"], 1);
    assert_eq!(server.request("DELETE", "/links/abc", "").0, 200);
    assert_eq!(server.stop().code(), Some(0));

    let mut arguments = vec![OsStr::new("import").to_owned()];
    for (name, content) in [("users", USERS), ("urls", URLS), ("events", EVENTS)] {
        let file = data.path().join(name);
        std::fs::write(&file, content).expect("a scratch file");
        arguments.extend([format!("--{name}").into(), file.into_os_string()]);
    }
    let told = stdout(&run(&url, data.path(), &arguments));
    assert!(told.contains("links: 1 rows read, 1 imported"), "{told}");
    assert!(stdout(&run(&url, data.path(), &["check"])).contains("is whole"));
    let to = data.path().join("out");
    let export = [OsStr::new("export"), OsStr::new("--to"), to.as_os_str()];
    assert!(stdout(&run(&url, data.path(), &export)).starts_with("exported 1 users, 2 links"));
    let short = ["shorten", "https://example.com/2", "--code", "next"];
    assert!(stdout(&run(&url, data.path(), &short)).ends_with("/next\n"));
}
