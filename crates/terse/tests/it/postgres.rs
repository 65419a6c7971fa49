//! The program on a PostgreSQL database: commands, servers that share it, and the way there from a file.

mod copies;
mod outage;
mod rights;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use crate::server::{Server, terse};

const USERS: &str = "id,username,email,created_at\n5,ada,ada@a.example,2024-01-02 17:05:09\n";
const URLS: &str = "id,user_id,short_code,original_url,title,is_active,created_at,updated_at\n\
    7,5,aaaa,https://a.example/1,Quarterly brief,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n";
const EVENTS: &str = "id,url_id,user_id,event_type,timestamp,details\n9,7,5,click,2024-01-02 17:05:09,\n";

/// An empty database of the server that `scripts/with-servers` has started; it goes with the server.
pub(crate) fn database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("terse_{}_{count}", std::process::id());
    let server = server_url();
    psql(&server, &format!("CREATE DATABASE {name}"));
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{base}/{name}")
}

/// Runs a statement beside the program.
fn psql(url: &str, statement: &str) {
    let done = Command::new("psql")
        .args([url, "--no-psqlrc", "--quiet", "--command", statement])
        .output()
        .expect("psql comes with the server");
    assert!(done.status.success(), "{done:?}");
}

fn server_url() -> String {
    told("TEST_POSTGRES_URL")
}

/// The Redis of the tests, which they share.
pub(crate) fn redis_url() -> String {
    told("TEST_REDIS_URL")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the way in which a script can tell tests where its servers are"
)]
fn told(name: &str) -> String {
    std::env::var(name).expect("tests need servers: `scripts/with-servers cargo test …` starts them")
}

/// Runs a command on `url`, with the data directory `data`.
fn run<A: AsRef<OsStr>>(url: &str, data: &Path, arguments: &[A]) -> Output {
    terse()
        .args(arguments)
        .args(["--database-url", url, "--data-dir"])
        .arg(data)
        .output()
        .expect("it runs")
}

fn stdout(done: &Output) -> String {
    assert!(done.status.success(), "{}", stderr(done));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn stderr(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// Serves `url` from `data`, as patiently as a machine that does other things as well needs.
fn serve(url: &str, data: &Path) -> Server {
    Server::start_with(
        data,
        &[
            "--database-url",
            url,
            "--database-timeout-ms",
            "20000",
            "--database-connections",
            "4",
        ],
    )
}

fn copy(from: &str, to: &str, more: &[&str]) -> Output {
    terse()
        .args(["copy", "--from", from, "--to", to])
        .args(more)
        .output()
        .expect("it runs")
}

fn sqlite(data: &Path) -> String {
    format!("sqlite:{}", data.join("terse.db").display())
}

#[test]
fn servers_share_a_database_and_keep_data_directories_of_their_own() {
    let (url, one, two) = (database(), folder(), folder());
    let (first, second) = (serve(&url, one.path()), serve(&url, two.path()));
    assert_eq!(first.shorten("https://example.com", "abc").0, 201);
    assert_eq!(second.get("/abc").0, 302);
    let (_, link) = second.get("/urls/1");
    assert_eq!(link["click_count"], 1);
    let again = run(&url, one.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(again.status.code(), Some(3));
    assert!(
        stderr(&again)
            .contains("each server needs one of its own, also where several share a PostgreSQL database"),
        "{}",
        stderr(&again)
    );
    assert_eq!(first.stop().code(), Some(0));
    assert_eq!(second.stop().code(), Some(0));
}

#[test]
fn commands_work_on_a_database_of_a_server_served_or_not() {
    let (url, data) = (database(), folder());
    let path = |name: &str| data.path().join(name);
    for (name, content) in [("users", USERS), ("urls", URLS), ("events", EVENTS)] {
        std::fs::write(path(&format!("{name}.csv")), content).expect("a scratch file");
    }
    let home = path("data");
    let import = || {
        let mut arguments = vec![OsStr::new("import").to_owned()];
        for name in ["users", "urls", "events"] {
            arguments.push(format!("--{name}").into());
            arguments.push(path(&format!("{name}.csv")).into());
        }
        stdout(&run(&url, &home, &arguments))
    };
    let export = |to: &str| {
        let arguments = [OsStr::new("export"), OsStr::new("--to"), path(to).as_os_str()].map(OsStr::to_owned);
        stdout(&run(&url, &home, &arguments))
    };
    assert!(import().contains("links: 1 rows read, 1 imported"));
    let short = stdout(&run(
        &url,
        &home,
        &["shorten", "https://example.com/2", "--code", "bbbb"],
    ));
    assert_eq!(short, "http://127.0.0.1:8000/bbbb\n");
    std::fs::remove_dir_all(&home).expect("ours");
    assert!(export("first").starts_with("exported 1 users, 2 links and 2 events"));
    assert!(!home.exists(), "whoever only looks begins no journal");
    let server = serve(&url, &home);
    assert_eq!(server.get("/bbbb").0, 302);
    assert!(
        import().contains("links: 1 rows read, 0 imported, 1 already there"),
        "also while served"
    );
    let (_, link) = server.get("/urls/8");
    assert_eq!(
        (&link["short_code"], &link["click_count"]),
        (&json!("bbbb"), &json!(1))
    );
    assert!(export("second").starts_with("exported 1 users, 2 links and 3 events"));
    let short = stdout(&run(
        &url,
        &home,
        &["shorten", "https://example.com/3", "--code", "cccc"],
    ));
    assert_eq!(short, format!("http://{}/cccc\n", server.address));
    let checked = stdout(&run(&url, &home, &["check"]));
    assert!(checked.contains("in use by another terse process"), "{checked}");
    assert!(checked.contains("is whole"), "{checked}");
    server.kill();
    assert!(stdout(&run(&url, &home, &["check"])).contains("is whole"));
}

#[test]
fn clicks_in_the_journal_are_exported_when_no_server_has_them() {
    let (url, data) = (database(), folder());
    let home = data.path().join("data");
    let server = serve(&url, &home);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.get("/abc").0, 302);
    server.kill();
    let to = data.path().join("out");
    let arguments = [OsStr::new("export"), OsStr::new("--to"), to.as_os_str()];
    let told = stdout(&run(&url, &home, &arguments));
    assert!(
        told.starts_with("exported 0 users, 1 links and 2 events"),
        "{told}"
    );
}

#[test]
fn backup_and_restore_name_the_tools_of_the_server_and_show_no_password() {
    let data = folder();
    let url = "postgres://ann:s3cret@db.example/links";
    let file = data.path().join("backup.db");
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let done = run(url, data.path(), &[OsStr::new(command), file.as_os_str()]);
        assert_eq!(done.status.code(), Some(2));
        let text = stderr(&done);
        assert!(text.contains(tool) && text.contains("db.example"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_migration_says_what_it_did_and_a_second_one_that_there_was_nothing_to_do() {
    let (url, data) = (database(), folder());
    let first = stdout(&run(&url, data.path(), &["migrate"]));
    assert!(first.contains("is up to date after 0001_first"), "{first}");
    let second = stdout(&run(&url, data.path(), &["migrate"]));
    assert!(
        second.ends_with("is up to date: there was nothing to do\n"),
        "{second}"
    );
    let checked = run(&database(), data.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(4));
    let text = String::from_utf8_lossy(&checked.stdout);
    assert!(text.contains("it has no tables of terse"), "{text}");
}

#[test]
fn a_service_moves_to_a_server_with_every_click_once() {
    let (url, data) = (database(), folder());
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    for _ in 0..20 {
        assert_eq!(server.get("/abc").0, 302);
    }
    let (_, link) = server.get("/urls/1");
    assert_eq!(link["click_count"], 20, "shipped");
    for _ in 0..20 {
        assert_eq!(server.get("/abc").0, 302);
    }
    server.kill();
    let told = stdout(&copy(&sqlite(data.path()), &url, &[]));
    assert!(told.contains(" 1 links, "), "{told}");
    assert!(told.contains("on the --data-dir that it had"), "{told}");
    assert!(told.contains(&format!("with `--database-url {url}`, ")), "{told}");
    let moved = serve(&url, data.path());
    let (_, link) = moved.get("/urls/1");
    assert_eq!(link["click_count"], 40);
    assert_eq!(moved.get("/abc").0, 302);
    let (_, events) = moved.get("/events?event_type=click&per_page=100");
    assert_eq!(events.as_array().map(Vec::len), Some(41));
    assert_eq!(moved.shorten("https://example.com/2", "next").1["id"], 2);
    assert_eq!(moved.stop().code(), Some(0));
    assert!(stdout(&run(&url, data.path(), &["check"])).contains("is whole"));

    let back = folder();
    let there = copy(&url, &sqlite(back.path()), &[]);
    let told = stdout(&there);
    assert!(told.contains(" 2 links, "), "{told}");
    let setting = format!("`--database-url {}`", sqlite(back.path()));
    assert!(told.contains(&setting), "{told}");
    let server = Server::start(back.path());
    let (_, link) = server.get("/urls/1");
    assert_eq!(link["click_count"], 41);
}

#[test]
fn a_copy_into_what_is_not_empty_or_the_same_is_refused() {
    let (url, data) = (database(), folder());
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let source = sqlite(data.path());
    let beside = copy(&source, &url, &[]);
    assert!(stderr(&beside).contains("is in use by another terse process: what it writes"));
    assert_eq!(beside.status.code(), Some(0));
    let target_in_use = copy(&url, &source, &["--force"]);
    assert_eq!(target_in_use.status.code(), Some(3));
    server.stop();
    let again = copy(&source, &url, &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("add --force to take everything out of"),
        "{}",
        stderr(&again)
    );
    psql(&url, "DELETE FROM links");
    stdout(&copy(&source, &url, &["--force"]));
    assert_eq!(serve(&url, folder().path()).get("/abc").0, 302);
    for (from, to, code) in [
        (&*source, &*source, 2),
        (&url, &url, 2),
        ("sqlite:/nowhere/terse.db", &url, 1),
        ("mysql://a:s3cret@b/c", &url, 2),
    ] {
        let refused = copy(from, to, &["--force"]);
        assert_eq!(refused.status.code(), Some(code), "{}", stderr(&refused));
        assert!(!stderr(&refused).contains("s3cret"), "{}", stderr(&refused));
        assert!(!stderr(&refused).contains("leave it out"), "{}", stderr(&refused));
    }
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a scratch directory")
}
