//! Start, stop and crash of the built program.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::Value;

use crate::server::{Server, terse};

#[test]
fn a_server_says_where_it_is_and_stops_when_it_is_told() {
    for signal in [Signal::TERM, Signal::INT] {
        let data = tempfile::tempdir().expect("a scratch directory");
        let server = Server::start(data.path());
        let expected = format!(
            "terse {} listening on http://{}, data in {}\n",
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

/// One connection that visits `/abc` until it is told to stop or the server is gone; gives the number of answers.
fn visit_until_killed(mut connection: TcpStream) -> u64 {
    let request = b"GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: crash test\r\n\r\n";
    let mut answered = 0;
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while connection.write_all(request).is_ok() {
        seen.clear();
        while !seen.ends_with(b"\r\n\r\n") {
            match connection.read(&mut buffer) {
                Ok(0) | Err(_) => return answered,
                Ok(length) => seen.extend_from_slice(&buffer[..length]),
            }
        }
        assert!(
            seen.starts_with(b"HTTP/1.1 302"),
            "{}",
            String::from_utf8_lossy(&seen)
        );
        answered += 1;
    }
    answered
}

fn clicks(server: &Server) -> u64 {
    let (status, link) = server.get("/urls/1");
    assert_eq!(status, 200);
    link["click_count"].as_u64().expect("a number")
}

#[test]
fn clicks_that_were_answered_survive_sigkill_each_once() {
    const CONNECTIONS: u64 = 4;
    let data = tempfile::tempdir().expect("a scratch directory");
    let mut server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let mut before = 0;
    for kill in 0..5 {
        let visitors: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let connection = server.connect();
                std::thread::Builder::new()
                    .name("visitor".to_owned())
                    .spawn(|| visit_until_killed(connection))
                    .expect("a thread can be started")
            })
            .collect();
        // Enough for every visitor to be in the middle of it, whatever the machine's speed.
        while clicks(&server) < before + 1_000 {}
        server.kill();
        let answered: u64 = visitors
            .into_iter()
            .map(|visitor| visitor.join().expect("no wrong answer"))
            .sum();
        server = Server::start(data.path());
        let after = clicks(&server);
        let recorded = after - before;
        assert!(
            recorded >= answered,
            "kill {kill}: {answered} answered, {recorded} recorded"
        );
        assert!(
            recorded <= answered + CONNECTIONS,
            "kill {kill}: {answered} answered, {recorded} recorded"
        );
        assert_eq!(
            count_click_events(&server),
            after,
            "kill {kill}: totals equal rows"
        );
        before = after;
    }
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(
        clicks(&Server::start(data.path())),
        before,
        "nothing is shipped twice"
    );
}

fn count_click_events(server: &Server) -> u64 {
    let (mut count, mut after) = (0, 0);
    loop {
        let (_, page) = server.get(&format!("/events?event_type=click&after={after}"));
        let rows = page.as_array().expect("a list");
        let Some(last) = rows.last() else { return count };
        count += rows.len() as u64;
        after = last["id"].as_u64().expect("an id");
    }
}

#[test]
fn links_that_were_acknowledged_survive_sigkill() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let address = server.address.clone();
    let creators: Vec<_> = (0..4)
        .map(|creator| {
            let connection = server.connect();
            let host = address.clone();
            std::thread::Builder::new()
                .name("creator".to_owned())
                .spawn(move || create_until_killed(connection, &host, creator))
                .expect("a thread can be started")
        })
        .collect();
    while server.get("/urls/200").0 == 404 {}
    server.kill();
    let acknowledged: Vec<String> = creators
        .into_iter()
        .flat_map(|creator| creator.join().expect("no panic"))
        .collect();
    assert!(acknowledged.len() >= 190);
    let server = Server::start(data.path());
    for code in acknowledged {
        assert_eq!(server.get(&format!("/{code}")).0, 302, "{code}");
    }
}

fn create_until_killed(mut connection: TcpStream, host: &str, creator: usize) -> Vec<String> {
    let mut codes = Vec::new();
    for number in 0.. {
        let code = format!("c{creator}x{number}");
        let body = format!(r#"{{"url":"https://example.com/{code}","short_code":"{code}"}}"#);
        let request = format!(
            "POST /shorten HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut buffer = [0; 4096];
        match connection
            .write_all(request.as_bytes())
            .and_then(|()| connection.read(&mut buffer))
        {
            Ok(length) if length > 0 => {
                assert!(
                    buffer.starts_with(b"HTTP/1.1 201"),
                    "{}",
                    String::from_utf8_lossy(&buffer[..length])
                );
                codes.push(code);
            }
            _ => break,
        }
    }
    codes
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
