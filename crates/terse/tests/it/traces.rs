//! Traces, as a collector gets them.

mod collector;

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::door::answers_to;
use crate::server::{Server, serve_arguments, terse};
use collector::Collector;

/// The example of the specification, <https://www.w3.org/TR/trace-context/>.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Everything that tells of a visitor, and what is secret of a link.
const UNTOLD: [&str; 6] = [
    "seCretCode",
    "curious-browser",
    "referring.example",
    "198.51.100.7",
    "page-token",
    "127.0.0.1",
];

/// The program with `arguments` that sends traces to `endpoint`, with nothing of the developer's own settings for those.
fn traced(arguments: impl IntoIterator<Item = OsString>, endpoint: &str) -> Command {
    let mut command = terse();
    command.args(arguments).args(["--otlp-endpoint", endpoint]);
    for name in [
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER",
    ] {
        command.env_remove(name);
    }
    command
}

fn started(mut command: Command) -> Server {
    Server::spawn(&mut command).expect("a server that starts says where it is")
}

/// As [`started`]; its log is read by [`log_of`].
fn started_with_log(mut command: Command, data: &Path) -> Server {
    command.stderr(File::create(data.join("log")).expect("a file"));
    started(command)
}

fn log_of(data: &Path) -> String {
    std::fs::read_to_string(data.join("log")).expect("a log")
}

/// The only line for which `is_wanted` holds of a log in JSON.
fn only_line(log: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let lines = log.lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut wanted: Vec<_> = lines.filter(|line| is_wanted(line)).collect();
    assert_eq!(wanted.len(), 1, "{log}");
    wanted.remove(0)
}

/// Asks as a curious browser in a trace does; the whole answer.
fn ask(server: &Server, line: &str, body: &str) -> String {
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n\
         x-request-id: asked-here\r\nuser-agent: curious-browser\r\nreferer: https://referring.example/\r\n\
         x-forwarded-for: 198.51.100.7\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    answers_to(server, request.as_bytes())
}

#[test]
fn a_request_is_a_span_of_its_callers_trace_with_what_the_store_did_below_it() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let collector = Collector::start();
    let server = started(traced(serve_arguments(data.path()), &collector.endpoint()));
    let body = r#"{"url": "https://example.com/", "short_code": "seCretCode"}"#;
    let made = ask(&server, "POST /shorten?page-token=1", body);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    assert!(server.stop().success());
    let received = collector.finish();

    let request = received.span("POST /shorten");
    assert_eq!(request.trace_id(), TRACE);
    assert_eq!(request.parent_id(), PARENT);
    assert!(request.is_server());
    assert_eq!(request.text("http.request.method"), "POST");
    assert_eq!(request.text("http.route"), "/shorten");
    assert_eq!(request.text("terse.request_id"), "asked-here");
    assert_eq!(request.number("http.response.status_code"), 201);
    let write = received.below(&request, "store write");
    assert_eq!(write.trace_id(), TRACE);
    assert_eq!(write.text("db.system.name"), "sqlite");
    assert_eq!(received.resource("service.name"), "terse");
}

#[test]
fn a_redirect_is_told_without_its_code_and_without_its_visitor() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let collector = Collector::start();
    let mut command = traced(serve_arguments(data.path()), &collector.endpoint());
    command.args(["--journal-sync-ms", "0"]);
    let server = started(command);
    assert_eq!(server.shorten("https://example.com/", "seCretCode").0, 201);
    let found = ask(&server, "GET /seCretCode?page-token=1", "");
    assert!(found.starts_with("HTTP/1.1 302"), "{found}");
    let missing = ask(&server, "GET /no/such/seCretCode", "");
    assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
    assert!(server.stop().success());
    let received = collector.finish();

    let visit = received.span("GET /{code}");
    assert_eq!(visit.parent_id(), PARENT);
    assert_eq!(visit.number("http.response.status_code"), 302);
    let unmatched = received.span("GET");
    assert_eq!(unmatched.number("http.response.status_code"), 404);
    assert!(!unmatched.has("http.route"));
    received.tells_nothing_of(&UNTOLD);
}

#[test]
fn what_the_server_does_beside_requests_is_no_trace() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let collector = Collector::start();
    let server = started(traced(serve_arguments(data.path()), &collector.endpoint()));
    assert_eq!(server.shorten("https://example.com/", "abc").0, 201);
    assert_eq!(server.get("/abc").0, 302);
    // Ships the click: a write that no request has asked for.
    assert!(server.stop().success());
    for span in collector.finish().spans() {
        let is_first = span.parent_id().is_empty();
        assert!(
            !is_first || span.is_server() || span.name() == "look up",
            "{span:?}"
        );
    }
}

#[test]
fn the_service_has_the_name_that_the_environment_gives() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let collector = Collector::start();
    let mut command = terse();
    command
        .args(serve_arguments(data.path()))
        .env("TERSE_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_SERVICE_NAME", "short-links")
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,deployment.environment.name=test",
        );
    let server = started(command);
    assert_eq!(server.get("/livez").0, 200);
    assert!(server.stop().success());
    let received = collector.finish();
    assert_eq!(received.resource("service.name"), "short-links");
    assert_eq!(received.resource("deployment.environment.name"), "test");
}

#[test]
fn a_hung_collector_delays_neither_answers_nor_the_end() {
    let data = tempfile::tempdir().expect("a scratch directory");
    // The system takes its connections; nobody ever reads from them.
    let hung = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", hung.local_addr().expect("it is bound"));
    let server = started_with_log(traced(serve_arguments(data.path()), &endpoint), data.path());
    // More than a batch has, so that one is being sent, and than the queue holds, so that some are dropped.
    let request = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let all = 4_000;
    let answers = server.converse(&request.repeat(all), all);
    assert_eq!(answers.matches("HTTP/1.1 200").count(), all);
    assert!(server.stop().success());
    let log = log_of(data.path());
    // Four batches are left, for each of which the collector would have had longer.
    assert!(
        log.contains("the last spans may not have reached the collector"),
        "{log}"
    );
    assert!(log.contains("dropped_span_count"), "{log}");
}

#[test]
fn a_collector_that_is_away_is_told_in_the_log_with_the_number_of_spans() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound");
    drop(taken);
    let mut command = traced(serve_arguments(data.path()), &format!("http://{address}"));
    command.args(["--log-format", "json"]);
    let server = started_with_log(command, data.path());
    assert_eq!(server.get("/livez").0, 200);
    assert!(server.stop().success());
    let lost = only_line(&log_of(data.path()), |line| line["spans"] == 1);
    let message = lost["message"].as_str().expect("a message");
    assert!(message.contains("did not reach"), "{message}");
}

#[test]
fn a_log_line_has_the_trace_and_no_field_of_a_span() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let collector = Collector::start();
    let arguments = serve_arguments(data.path()).into_iter();
    let talkative = arguments.map(|argument| {
        if argument == "warn" {
            "info".into()
        } else {
            argument
        }
    });
    let mut command = traced(talkative, &collector.endpoint());
    command.args(["--log-format", "json"]);
    let server = started_with_log(command, data.path());
    ask(&server, "GET /livez", "");
    assert!(server.stop().success());
    let line = only_line(&log_of(data.path()), |line| line["message"] == "request");
    let line = line.as_object().expect("an object");
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["request_id"], "asked-here");
    assert!(line.keys().all(|name| !name.contains('.')), "{line:?}");
}
