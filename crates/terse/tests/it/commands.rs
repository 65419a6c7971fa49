//! The commands that work on data, on files in the shape and with the oddities of real ones.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::server::{Server, terse};

mod imports;

const USERS: &str = "id,username,email,created_at\n\
    1,ada,ada@a.example,2024-01-02 17:05:09\n\
    2,bob,bob@a.example,2024-01-02 17:05:09\n\
    3,ada,ada@b.example,2024-01-02 17:05:09\n\
    4,dan,bob@a.example,2024-01-02 17:05:09\n";
const URLS: &str = "id,user_id,short_code,original_url,title,is_active,created_at,updated_at\n\
    1,1,aaaa,https://a.example/1,Quarterly brief,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    2,3,bbbb,https://a.example/2,Roadmap,False,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    3,4,cccc,https://a.example/3,=1+1,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n\
    4,1,dddd,ftp://a.example/4,,True,2024-01-02 17:05:09,2024-01-03 17:05:09\n";
const EVENTS: &str = "id,url_id,user_id,event_type,timestamp,details\n\
    1,1,1,created,2024-01-02 17:05:09,\"{\"\"short_code\"\":\"\"aaaa\"\"}\"\n\
    2,2,3,click,2024-01-02 17:05:10,\n\
    3,3,4,deleted,2024-01-02 17:05:11,\"{\"\"reason\"\":\"\"expired\"\"}\"\n";

/// A scratch folder with the three files and a data directory.
struct Scratch(tempfile::TempDir);

/// What a command did.
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Scratch {
    fn new() -> Self {
        let scratch = Self(tempfile::tempdir().expect("a scratch directory"));
        for (name, content) in [("users.csv", USERS), ("urls.csv", URLS), ("events.csv", EVENTS)] {
            fs::write(scratch.path(name), content).expect("a scratch file");
        }
        scratch
    }

    fn imported() -> Self {
        let scratch = Self::new();
        assert_eq!(import(&scratch.path("data"), scratch.0.path(), &[]).code, Some(0));
        scratch
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command on the data directory.
    fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Done {
        run(&self.path("data"), arguments)
    }
}

fn import(data: &Path, from: &Path, more: &[&str]) -> Done {
    let mut arguments = vec!["import".into()];
    for name in ["users", "urls", "events"] {
        arguments.push(format!("--{name}").into());
        arguments.push(from.join(format!("{name}.csv")).into_os_string());
    }
    arguments.extend(more.iter().map(Into::into));
    run(data, &arguments)
}

fn run<A: AsRef<OsStr>>(data: &Path, arguments: &[A]) -> Done {
    let mut command = terse();
    let output = command
        .args(arguments)
        .arg("--data-dir")
        .arg(data)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Done {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    let scratch = Scratch::imported();
    let (out, again) = (scratch.path("out"), scratch.path("again"));
    let to =
        |folder: &Path| [OsStr::new("export"), OsStr::new("--to"), folder.as_os_str()].map(OsStr::to_owned);
    let exported = scratch.run(&to(&out));
    assert!(
        exported
            .stdout
            .starts_with("exported 2 users, 3 links and 3 events to "),
        "{}",
        exported.stderr
    );
    let other = scratch.path("other");
    assert_eq!(import(&other, &out, &[]).code, Some(0));
    assert_eq!(run(&other, &to(&again)).code, Some(0));
    for name in ["users.csv", "urls.csv", "events.csv"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(name)).expect("exported");
        assert_eq!(read(&again), read(&out));
    }
    let mut arguments = to(&again).to_vec();
    arguments.push("--safe-for-spreadsheets".into());
    let server = Server::start(&scratch.path("data"));
    assert_eq!(scratch.run(&arguments).code, Some(0), "also beside a server");
    assert_eq!(server.stop().code(), Some(0));
    let urls = fs::read_to_string(again.join("urls.csv")).expect("exported");
    assert!(urls.contains(",'=1+1,"), "{urls}");
}

#[test]
fn a_link_is_made_in_the_data_directory_or_by_the_server_that_has_it() {
    let scratch = Scratch::new();
    let direct = scratch.run(&[
        "shorten",
        "https://example.com",
        "--code",
        "one",
        "--base-url",
        "https://sho.rt",
    ]);
    assert_eq!(
        (direct.code, direct.stdout.as_str()),
        (Some(0), "https://sho.rt/one\n"),
        "{}",
        direct.stderr
    );
    assert_eq!(
        scratch
            .run(&["shorten", "https://example.com", "--title", "x"])
            .code,
        Some(0)
    );
    let server = Server::start(&scratch.path("data"));
    let by_lock = scratch.run(&["shorten", "https://example.com", "--code", "two"]);
    assert_eq!(
        by_lock.stdout,
        format!("http://{}/two\n", server.address),
        "{}",
        by_lock.stderr
    );
    let address = format!("http://{}/", server.address);
    let by_flag = scratch.run(&[
        "shorten",
        "https://example.com",
        "--code",
        "three",
        "--server",
        &address,
    ]);
    assert_eq!(
        by_flag.stdout,
        format!("http://{}/three\n", server.address),
        "{}",
        by_flag.stderr
    );
    for code in ["one", "two", "three"] {
        assert_eq!(server.get(&format!("/{code}")).0, 302, "{code}");
    }
    let taken = scratch.run(&["shorten", "https://example.com", "--code", "one"]);
    assert_eq!((taken.code, taken.stdout.as_str()), (Some(1), ""));
    assert!(
        taken.stderr.contains("Short code already taken"),
        "{}",
        taken.stderr
    );
}

#[test]
fn the_same_rules_hold_without_a_server() {
    let scratch = Scratch::imported();
    for (arguments, reason) in [
        (
            &["https://example.com", "--code", "docs"][..],
            "Short code is reserved",
        ),
        (
            &["https://example.com", "--code", "aaaa"],
            "Short code already taken",
        ),
        (
            &["javascript:alert(1)"],
            "URL must start with http:// or https://",
        ),
        (
            &["http://127.0.0.1:8000/x"],
            "URL must not lead back to this service",
        ),
        (
            &["https://example.com", "--title", "a\nb"],
            "title must not contain control characters",
        ),
        (
            &["https://example.com", "--server", "http://127.0.0.1:1"],
            "cannot be asked",
        ),
    ] {
        let done = scratch.run(&[&["shorten"], arguments].concat());
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    }
}

#[test]
fn a_backup_is_made_while_serving_and_replaces_nothing_unasked() {
    let scratch = Scratch::imported();
    let server = Server::start(&scratch.path("data"));
    assert_eq!(server.shorten("https://example.com", "late").0, 201);
    fs::create_dir(scratch.path("restored")).expect("a scratch directory");
    let file = scratch.path("restored/terse.db");
    let backup = [OsStr::new("backup"), file.as_os_str()];
    let made = scratch.run(&backup);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let again = scratch.run(&backup);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("is there already: add --force"),
        "{}",
        again.stderr
    );
    assert_eq!(
        scratch
            .run(&[&backup[..], &[OsStr::new("--force")]].concat())
            .code,
        Some(0)
    );
    let restored = Server::start(&scratch.path("restored"));
    assert_eq!(restored.get("/late").0, 302);
}

#[test]
fn a_check_finds_nothing_wrong_with_sound_data_served_or_not() {
    let scratch = Scratch::imported();
    let settled = |done: &Done| {
        done.stdout
            .replace(&scratch.path("data").display().to_string(), "DATA")
    };
    let done = scratch.run(&["check"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    insta::with_settings!({ filters => vec![(r"\d+ MiB", "N MiB")] }, {
        insta::assert_snapshot!(settled(&done), @r"
        ok       configuration: makes sense
        ok       data directory: DATA, not in use
        ok       disk: N MiB free
        ok       journal: 0 segments, 0 clicks that the database does not have yet
        ok       database: DATA/terse.db is whole
        ");
    });
    let server = Server::start(&scratch.path("data"));
    assert_eq!(server.get("/aaaa").0, 302);
    let beside = scratch.run(&["check"]);
    assert_eq!(beside.code, Some(0), "{}{}", beside.stdout, beside.stderr);
    assert!(
        beside.stdout.contains("in use by another terse process"),
        "{}",
        beside.stdout
    );
    server.kill();
    let after = scratch.run(&["check"]);
    assert_eq!(after.code, Some(0), "{}{}", after.stdout, after.stderr);
}

#[test]
fn a_check_names_what_is_damaged() {
    let scratch = Scratch::imported();
    let journal = scratch.path("data/journal");
    fs::create_dir_all(&journal).expect("a scratch directory");
    fs::write(journal.join("broken.seg"), "no segment").expect("a scratch file");
    fs::write(journal.join("old.seg.bad"), "").expect("a scratch file");
    let done = scratch.run(&["check"]);
    assert_eq!(done.code, Some(4), "{}", done.stderr);
    assert!(
        done.stdout
            .contains("problem  journal: broken.seg: too short for a segment\n"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout
            .contains("problem  journal: old.seg.bad was set aside"),
        "{}",
        done.stdout
    );
    assert!(journal.join("broken.seg").exists(), "nothing is changed");
    fs::write(
        scratch.path("data/terse.db"),
        "no database, but long enough to be looked at as one",
    )
    .expect("written");
    let done = scratch.run(&["check"]);
    assert_eq!(done.code, Some(4));
    assert!(done.stdout.contains("problem  database: "), "{}", done.stdout);
}

#[test]
fn a_directory_that_is_not_there_is_named_and_not_made() {
    let scratch = Scratch::new();
    let out = scratch.path("out");
    for (arguments, code) in [
        (vec![OsStr::new("check")], 4),
        (vec![OsStr::new("migrate")], 1),
        (vec![OsStr::new("backup"), out.as_os_str()], 1),
        (vec![OsStr::new("export"), OsStr::new("--to"), out.as_os_str()], 1),
    ] {
        let done = scratch.run(&arguments);
        assert_eq!(done.code, Some(code), "{arguments:?}");
        assert!(
            (done.stdout + &done.stderr).contains("there is no"),
            "{arguments:?}"
        );
    }
    assert!(!scratch.path("data").exists());
}
