//! What the running program tells whoever watches it.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::process::Command;
use std::str::FromStr;

use rustix::process::Signal;
use serde_json::Value;

use crate::door::answers_to;
use crate::server::{Server, terse};

const VISITS: u64 = 40;
const LIVEZ: &[u8] = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
const METRICS: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// The metrics, asked for on a connection of its own.
fn scrape(server: &Server) -> String {
    answers_to(server, METRICS)
}

/// The value of a sample, by its name with labels.
fn sample<N: FromStr<Err: Debug>>(page: &str, name: &str) -> N {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = line.unwrap_or_else(|| panic!("no {name} in {page}"));
    value.parse().expect("a number")
}

/// The visits on a page, by what became of them and by where their links were.
fn visits_on(page: &str) -> [u64; 3] {
    let names = [
        "redirects_total{outcome=\"found\"}",
        "cache_hits_total{tier=\"near\"}",
        "cache_hits_total{tier=\"memory\"}",
    ];
    names.map(|name| sample(page, &format!("terse_{name}")))
}

#[test]
fn visits_of_the_express_lane_are_counted_with_their_time_and_tier() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    let visit = "GET /abc HTTP/1.1\r\nhost: x\r\n\r\n";
    // One that is looked up, one after the other, and all at once.
    for _ in 0..VISITS {
        server.converse(visit, 1);
    }
    let all = usize::try_from(VISITS).expect("few");
    server.converse(&visit.repeat(all), all);

    // A visit is counted once its answer has left, so a scraper may be there sooner.
    let visits = 2 * VISITS;
    let page = loop {
        let page = scrape(&server);
        let [found, near, memory] = visits_on(&page);
        assert!(found <= visits && near + memory <= visits, "{page}");
        if found == visits && near + memory == visits {
            break page;
        }
    };
    let [_, near, _] = visits_on(&page);
    assert!(
        near >= VISITS - 1,
        "those that came together found it near: {page}"
    );
    let count = |name: &str| sample::<u64>(&page, name);
    assert_eq!(count("terse_redirect_duration_seconds_count"), visits);
    assert_eq!(
        count("terse_redirect_duration_seconds_bucket{le=\"+Inf\"}"),
        visits
    );
    assert!(
        sample::<f64>(&page, "terse_redirect_duration_seconds_sum") > 0.0,
        "{page}"
    );
    assert_eq!(count("terse_cache_misses_total"), 1);
    assert_eq!(count("terse_journal_clicks_appended_total"), visits);
    // The link's creation, a connection for each visit, one for all, and the scraper's.
    assert!(count("terse_connections_accepted_total") >= VISITS + 3, "{page}");
    assert!(count("terse_connections_open") >= 1, "the scraper's own is open");
}

#[test]
fn connections_that_are_turned_away_are_counted() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--max-connections-per-address", "1"]);
    let mut holder = server.connect();
    holder.write_all(LIVEZ).expect("the server reads");
    let mut status = [0; 12];
    // Answered, so it has its place.
    holder.read_exact(&mut status).expect("an answer");
    let mut refusal = String::new();
    let turned_away = server.connect().read_to_string(&mut refusal);
    turned_away.expect("the server says why and closes");
    assert!(refusal.starts_with("HTTP/1.1 503"), "{refusal}");
    holder.write_all(METRICS).expect("the server reads");
    let mut page = String::new();
    holder.read_to_string(&mut page).expect("the server closes");
    assert_eq!(
        sample::<u64>(&page, "terse_connections_refused_total{reason=\"per_address\"}"),
        1
    );
    assert_eq!(sample::<u64>(&page, "terse_connections_open"), 1);
}

#[test]
fn a_server_that_is_told_to_stop_says_so_and_goes_on_for_the_delay() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start_with(data.path(), &["--stop-delay-ms", "60000"]);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    assert_eq!(server.get("/readyz").0, 200);
    server.signal(Signal::TERM);
    // The signal takes a moment to arrive; after it the door is open for a minute.
    let not_ready = loop {
        let (status, body) = server.get("/readyz");
        if status != 200 {
            break (status, body);
        }
    };
    assert_eq!(not_ready.0, 503);
    assert_eq!(
        not_ready.1["components"]["server"]["reason"],
        "the server is stopping"
    );
    assert_eq!(server.get("/abc").0, 302);
    assert_eq!(server.get("/livez").0, 200);
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(1), "a second signal ends it at once");
}

#[test]
fn every_line_of_a_request_has_its_id() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let log = data.path().join("log");
    let mut command: Command = terse();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-redirects",
            "--log-format",
            "json",
        ])
        .args(["--log", "info,terse_server=debug", "--data-dir"])
        .arg(data.path())
        .stderr(std::fs::File::create(&log).expect("a file"));
    let server = Server::spawn(&mut command).expect("a server that starts says where it is");
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    for path in ["/urls/1", "/abc", "/nosuch"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: edge{}\r\n\r\n",
            path.replace('/', "-")
        );
        server.converse(&request, 1);
    }
    assert_eq!(server.stop().code(), Some(0));

    let text = std::fs::read_to_string(&log).expect("a log");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of = |id: &str| {
        lines
            .iter()
            .find(|line| line["request_id"] == id)
            .unwrap_or_else(|| panic!("{id}: {text}"))
    };
    assert_eq!(
        (&of("edge-urls-1")["message"], &of("edge-urls-1")["route"]),
        (&"request".into(), &"/urls/{id}".into())
    );
    assert_eq!(
        (&of("edge-abc")["message"], &of("edge-abc")["status"]),
        (&"redirect".into(), &302.into())
    );
    assert_eq!(of("edge-nosuch")["status"], 404);
    let of_requests = ["request", "redirect"].map(Value::from);
    let nameless = lines
        .iter()
        .filter(|line| of_requests.contains(&line["message"]) && !line["request_id"].is_string());
    assert_eq!(nameless.count(), 0, "{text}");
    assert!(
        lines
            .iter()
            .all(|line| line["timestamp"].is_string() && line["target"].is_string()),
        "{text}"
    );
}
