//! `terse health`, against servers that are well, unwell, strange and away.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use crate::server::terse;

/// Answers one request with `status` and `body`; ends with the line it began with.
fn answering(status: &'static str, body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    let serving = std::thread::Builder::new().name("server".to_owned());
    let serve = move || {
        let (mut connection, _) = listener.accept().expect("a client");
        let mut lines = BufReader::new(connection.try_clone().expect("a socket")).lines();
        let first = lines.next().expect("a line").expect("text");
        while !lines.next().expect("an end").expect("text").is_empty() {}
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        connection
            .write_all((head + body).as_bytes())
            .expect("the client reads");
        first
    };
    (url, serving.spawn(serve).expect("a thread"))
}

/// Exit code, stdout, stderr.
fn health(url: &str, options: &[&str]) -> (Option<i32>, String, String) {
    health_of(&[], &[&["--url", url], options].concat())
}

/// As [`health`], with settings of the server in the environment.
fn health_of(settings: &[(&str, &str)], options: &[&str]) -> (Option<i32>, String, String) {
    let output = terse()
        .arg("health")
        .args(options)
        .envs(settings.iter().copied())
        // What is on this machine is not asked for by way of others.
        .env("http_proxy", "http://127.0.0.1:9")
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_server_that_answers_is_well() {
    let (url, server) = answering("200 OK", r#"{"status":"ok"}"#);
    let (code, stdout, stderr) = health(&format!("{url}/"), &[]);
    assert_eq!((code, &*stdout), (Some(0), "{\"status\":\"ok\"}\n"), "{stderr}");
    assert_eq!(server.join().expect("asked once"), "GET /livez HTTP/1.1");
}

#[test]
fn a_server_that_wants_no_requests_is_not_ready_and_says_why() {
    let (url, server) = answering(
        "503 Service Unavailable",
        r#"{"status":"not_ready","reason":"it stops"}"#,
    );
    let (code, stdout, stderr) = health(&url, &["--ready"]);
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(
        stderr.contains("answered 503 Service Unavailable") && stderr.contains("it stops"),
        "{stderr}"
    );
    assert_eq!(server.join().expect("asked once"), "GET /readyz HTTP/1.1");
}

#[test]
fn a_redirect_is_no_health() {
    let (url, server) = answering("302 Found", "");
    assert_eq!(health(&url, &[]).0, Some(1));
    server.join().expect("asked once");
}

#[test]
fn whoever_is_not_there_is_not_well() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it listens"));
    drop(listener);
    let (code, _, stderr) = health(&url, &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("cannot be asked"), "{stderr}");
}

#[test]
fn the_server_of_the_same_settings_is_asked_unless_another_one_is_named() {
    let open = ("TERSE_AUTH", "open");
    for settings in [&["TERSE_LISTEN"][..], &["PORT"]] {
        let (url, server) = answering("200 OK", "{}");
        let (_, port) = url.rsplit_once(':').expect("a port");
        let everywhere = format!("0.0.0.0:{port}");
        let value = if settings == ["PORT"] { port } else { &everywhere };
        let (code, _, stderr) = health_of(&[(settings[0], value), open], &[]);
        assert_eq!(code, Some(0), "{stderr}");
        server.join().expect("asked once");
    }
    let (url, server) = answering("200 OK", "{}");
    let (code, _, stderr) = health_of(&[("TERSE_LISTEN", "127.0.0.1:0")], &["--url", &url]);
    assert_eq!(code, Some(0), "{stderr}");
    server.join().expect("asked once");
    let (code, _, stderr) = health_of(&[("TERSE_LISTEN", "127.0.0.1:0")], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--url"), "{stderr}");
}

#[test]
fn what_stands_before_an_at_sign_is_never_shown() {
    let (url, server) = answering("503 Service Unavailable", "");
    let secret = url.replace("//", "//u:hunter2@");
    let said = [
        health(&secret, &[]).2,
        health("http://u:hunter2@127.0.0.1:1", &[]).2,
        health("u:hunter2@127.0.0.1:1", &[]).2,
        shorten_at("http://u:hunter2@127.0.0.1:1"),
        shorten_at("ftp://u:hunter2@127.0.0.1:1"),
    ];
    server.join().expect("asked once");
    for text in said {
        assert!(
            text.contains("…@127.0.0.1") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

/// What `terse shorten` says of a server that makes no link.
fn shorten_at(server: &str) -> String {
    let output = terse()
        .args(["shorten", "https://example.com", "--server", server])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
