//! Start, stop and crash of the built program.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::server::{Server, terse};

#[test]
fn a_server_says_where_it_is_and_stops_when_it_is_told() {
    for signal in [Signal::TERM, Signal::INT] {
        let data = tempfile::tempdir().expect("a scratch directory");
        let server = Server::start(data.path());
        let expected = format!(
            "terse {} listening on http://{} (data in {})\n",
            env!("CARGO_PKG_VERSION"),
            server.address,
            data.path().display()
        );
        assert_eq!(server.line, expected);
        assert_eq!(server.get("/health").0, 200);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
    }
}

#[test]
fn a_link_to_the_port_that_the_system_chose_would_lead_in_circles() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let (_, port) = server.address.split_once(':').expect("a port");
    for host in ["localhost", "127.0.0.2", "[::1]"] {
        let (status, _) = server.shorten(&format!("http://{host}:{port}/x"), "circle");
        assert_eq!(status, 400, "{host}");
    }
    assert_eq!(server.shorten("http://localhost:1/x", "other").0, 201);
}

#[test]
fn a_request_under_way_is_finished_before_the_server_stops() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let body = r#"{"url":"https://example.com","short_code":"late"}"#;
    let (first, second) = body.split_at(10);
    let mut connection = server.connect();
    let head = format!(
        "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).expect("the server reads");
    let mut interim = [0; 25];
    connection
        .read_exact(&mut interim)
        .expect("100 Continue says that the request was begun");
    assert!(interim.starts_with(b"HTTP/1.1 100"));
    connection.write_all(first.as_bytes()).expect("the server reads");
    server.signal(Signal::TERM);
    // The door is closed before requests are waited for.
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    connection
        .write_all(second.as_bytes())
        .expect("the server still reads");
    let mut answer = String::new();
    connection
        .read_to_string(&mut answer)
        .expect("the server answers, then closes");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(Server::start(data.path()).get("/late").0, 302);
}

#[test]
fn a_data_directory_has_one_server() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let first = Server::start(data.path());
    let second = terse()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .output()
        .expect("it runs");
    assert_eq!(second.status.code(), Some(3));
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(
        message.contains("in use by another terse process") && message.contains(&first.address),
        "{message}"
    );
    assert_eq!(first.get("/health").0, 200, "the first goes on");
    first.kill();
    assert_eq!(
        Server::start(data.path()).get("/health").0,
        200,
        "a crash leaves no lock behind"
    );
}

#[test]
fn an_address_that_is_taken_is_named() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = terse()
        .args(["serve", "--listen", &address, "--data-dir"])
        .arg(data.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains(&format!("cannot listen on {address}")),
        "{message}"
    );
}

#[test]
fn settings_that_make_no_sense_stop_the_start() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let serve = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = terse();
        command
            .args(["serve", "--data-dir"])
            .arg(data.path())
            .args(arguments)
            .envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(serve(&["--listen", "0.0.0.0:0"], &[]).contains("--auth open"));
    assert!(serve(&[], &[("TERSE_LISTEN", "nonsense")]).contains("ADDR:PORT"));
    let unknown = serve(&[], &[("TERSE_LISTNE", "127.0.0.1:0")]);
    assert!(
        unknown.contains("TERSE_LISTNE") && unknown.contains("TERSE_LISTEN"),
        "{unknown}"
    );
    assert!(serve(&["--cache-mib", "0"], &[]).contains("--cache-mib"));
}

#[test]
fn settings_come_from_the_environment_too() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let mut child = terse()
        .arg("serve")
        .env("PORT", "0")
        .env("TERSE_DATA_DIR", data.path())
        .env("TERSE_BASE_URL", "https://go.example")
        .env("TERSE_LOG", "")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.as_mut().expect("piped")),
        &mut line,
    )
    .expect("text");
    child.kill().expect("ours");
    child.wait().expect("ours");
    assert!(
        line.contains("http://127.0.0.1:") && !line.contains(":8000"),
        "{line}"
    );
}

#[test]
fn a_changed_link_is_obeyed_after_a_crash_as_before() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.get("/abc").0, 302);
    assert_eq!(server.request("DELETE", "/links/abc", "").0, 200);
    server.kill();
    let server = Server::start(data.path());
    assert_eq!(server.get("/abc").0, 410);
    let (_, link) = server.get("/urls/1");
    assert_eq!(
        (&link["is_active"], &link["click_count"]),
        (&Value::Bool(false), &Value::from(1))
    );
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let mut connection = server.connect();
    let head = "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\nexpect: 100-continue\r\n\r\n";
    connection.write_all(head.as_bytes()).expect("the server reads");
    let mut interim = [0; 25];
    connection
        .read_exact(&mut interim)
        .expect("100 Continue says that the request was begun");
    server.signal(Signal::TERM);
    // The door is closed once the first signal was heard; the request would now be waited for.
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::yield_now();
    }
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(1));
}

#[test]
fn what_a_server_writes_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().expect("a scratch directory");
    // Made by somebody else, as a mounted volume would be.
    let data = scratch.path().join("data");
    std::fs::create_dir(&data).expect("made");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let server = Server::start(&data);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let journal = std::fs::read_dir(data.join("journal")).expect("a folder");
    let paths = journal
        .chain(std::fs::read_dir(&data).expect("a folder"))
        .map(|entry| entry.expect("an entry").path());
    for path in paths {
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_backup_does_not_replace_the_database_it_copies() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let alias = data.path().join("alias.db");
    std::os::unix::fs::symlink(data.path().join("terse.db"), &alias).expect("made");
    for target in ["terse.db", "terse.db-wal", "terse.db-shm", "alias.db"] {
        let target = data.path().join(target);
        let output = terse()
            .arg("backup")
            .arg(&target)
            .args(["--force", "--data-dir"])
            .arg(data.path())
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("is the database itself"));
    }
    server.stop();
    assert_eq!(Server::start(data.path()).get("/abc").0, 302);
}

#[test]
fn a_backup_is_restored_also_after_a_crash() {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let (data, backup) = (scratch.path().join("data"), scratch.path().join("monday.db"));
    let terse = |arguments: &[&str]| {
        let mut command = terse();
        command.args(arguments).arg(&backup).arg("--data-dir").arg(&data);
        command.output().expect("it runs")
    };
    let server = Server::start(&data);
    assert_eq!(server.shorten("https://example.com/old", "kept").0, 201);
    assert!(terse(&["backup"]).status.success());
    assert_eq!(server.shorten("https://example.com/new", "lost").0, 201);
    assert_eq!(server.get("/lost").0, 302);
    assert_eq!(
        terse(&["restore", "--force"]).status.code(),
        Some(3),
        "a server has the directory"
    );
    server.kill();

    let refused = terse(&["restore"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("add --force"),
        "{refused:?}"
    );
    let restored = terse(&["restore", "--force"]);
    assert!(restored.status.success(), "{restored:?}");
    let server = Server::start(&data);
    assert_eq!((server.get("/kept").0, server.get("/lost").0), (302, 404));
    let (_, events) = server.get("/events?event_type=click");
    assert_eq!(
        events.as_array().map(Vec::len),
        Some(1),
        "the old database got its own clicks"
    );
    assert!(data.join("terse.db.replaced").exists());
    server.stop();

    std::fs::write(&backup, b"no database").expect("ours");
    let damaged = terse(&["restore", "--force"]);
    assert!(!damaged.status.success(), "{damaged:?}");
    assert_eq!(Server::start(&data).get("/kept").0, 302, "nothing was changed");
}

#[test]
fn every_restore_keeps_the_database_that_it_replaces() {
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let (data, backup) = (scratch.path().join("data"), scratch.path().join("monday.db"));
    let terse = |arguments: &[&str], file: &Path| {
        let mut command = terse();
        command.args(arguments).arg(file).arg("--data-dir").arg(&data);
        let output = command.output().expect("it runs");
        (
            output.status.success(),
            String::from_utf8(output.stdout).expect("text"),
        )
    };
    let serve = |code: &str| {
        let server = Server::start(&data);
        assert_eq!(server.shorten("https://example.com", code).0, 201);
        server.stop();
    };
    serve("first");
    assert!(terse(&["backup"], &backup).0);
    serve("second");
    for name in ["terse.db.replaced", "terse.db.replaced-2", "terse.db.replaced-3"] {
        let (is_done, said) = terse(&["restore", "--force"], &backup);
        assert!(is_done && said.ends_with(&format!("/{name}\n")), "{said}");
    }
    let (is_done, _) = terse(&["restore", "--force"], &data.join("terse.db.replaced"));
    assert!(is_done, "what was replaced is as good as a backup");
    let server = Server::start(&data);
    assert_eq!((server.get("/first").0, server.get("/second").0), (302, 302));
}
