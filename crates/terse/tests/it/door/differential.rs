//! The express lane against the general server: with `--journal-sync-ms 0` there is no express lane, and whatever is sent must
//! have the same answers and leave the same clicks.

use std::io::{Read, Write};
use std::net::Shutdown;

use serde_json::Value;
use terse_core::Seeded;

use crate::server::Server;
use crate::torture::Dice;

const MUTATIONS: usize = 2_000;

/// Heads, each with something that one of the two might see otherwise.
const CORPUS: [&str; 30] = [
    "GET /abc HTTP/1.1\r\nhost: x\r\n\r\n",
    "HEAD /abc HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /abc?utm=1&x=%20y HTTP/1.1\r\nhost: x\r\nuser-agent: a\r\nreferer: https://a/\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent:\r\nreferer: \r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: \u{e9}\u{20ac} \t end \r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: one\r\nuser-agent: two\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nx-request-id: 42\r\nx-request-id: 43\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\ndnt: 1\r\nuser-agent: a\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nsec-purpose: prefetch;prerender\r\n\r\n",
    "GET /gone HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n",
    "GET /nosuch HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n",
    "GET /abc HTTP/1.0\r\n\r\n",
    "GET /abc HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
    "GET /abc HTTP/1.1\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "GET /abc HTTP/1.1\nhost: x\n\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\na: b\r\n folded\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost : x\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
    "GET /abc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: Keep-Alive\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    "GET http://x/abc HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /abc/ HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET //abc HTTP/1.1\r\nhost: x\r\n\r\n",
    "\r\n\r\nGET /abc HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /ABC HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
];

/// What mutations put in.
const PIECES: [&str; 24] = [
    "content-length: 0\r\n",
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    "\0",
    "/",
    "?",
    "#",
    "%",
    "\u{7f}",
    "\u{e9}",
    "\"",
    ",",
    "HTTP/1.1",
    "GET ",
    "/abc",
    "host: x\r\n",
    "x: y\r\n",
    "connection: close\r\n",
    "\r\n\r\n",
    "HEAD ",
];

struct Pair {
    express: Server,
    general: Server,
}

impl Pair {
    /// All that each answers to `bytes`, without what differs from answer to answer.
    fn compare(&self, bytes: &[u8]) {
        let express = answers(&self.express, bytes);
        let general = answers(&self.general, bytes);
        assert_eq!(express, general, "{:?}", String::from_utf8_lossy(bytes));
    }
}

fn answers(server: &Server, bytes: &[u8]) -> Vec<String> {
    let mut connection = server.connect();
    // Fails when the server has refused what came first, and closed.
    let _ = connection.write_all(bytes);
    let _ = connection.shutdown(Shutdown::Write);
    let mut answers = Vec::new();
    // What a reset leaves of the answers to rubbish depends on time only behind the first refusal.
    let _ = connection.read_to_end(&mut answers);
    let text = String::from_utf8_lossy(&answers).into_owned();
    let mut lines: Vec<String> = text.lines().map(without_chance).collect();
    sort_headers(&mut lines);
    lines
}

fn without_chance(line: &str) -> String {
    for name in ["date: ", "x-request-id: "] {
        if line.starts_with(name) {
            return name.to_owned();
        }
    }
    match line.split_once("\"instance\":\"") {
        Some((before, after)) => format!("{before}{}", after.get(32..).unwrap_or(after)),
        None => line.to_owned(),
    }
}

/// Header fields with different names may come in any order.
fn sort_headers(lines: &mut [String]) {
    for head in lines.split_mut(String::is_empty) {
        let fields = head
            .iter()
            .position(|line| line.starts_with("HTTP/1."))
            .map_or(head.len(), |status| status + 1);
        if let Some(fields) = head.get_mut(fields..) {
            fields.sort();
        }
    }
}

fn mutated(dice: &Dice) -> Vec<u8> {
    let pick = |count: usize| usize::try_from(dice.roll(count.max(1) as u64)).expect("an index");
    let mut bytes: Vec<u8> = (0..=pick(3))
        .flat_map(|_| CORPUS[pick(CORPUS.len())].bytes())
        .collect();
    for _ in 0..pick(4).min(bytes.len()) {
        let at = pick(bytes.len());
        match dice.roll(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes[at] = u8::try_from(dice.roll(256)).expect("a byte"),
            2 => bytes.truncate(at + 1),
            _ => drop(bytes.splice(at..at, PIECES[pick(PIECES.len())].bytes())),
        }
    }
    bytes
}

/// The clicks of `server` without their times.
fn clicks(server: &Server) -> Vec<Value> {
    let (mut clicks, mut last) = (Vec::new(), 0);
    loop {
        let (_, page) = server.get(&format!("/events?event_type=click&after={last}"));
        let page = page.as_array().expect("a list").clone();
        let Some(event) = page.last() else { break };
        last = event["id"].as_u64().expect("an id");
        clicks.extend(page.into_iter().map(|mut event| {
            event["timestamp"].take();
            event["id"].take();
            event
        }));
    }
    clicks.sort_by_key(Value::to_string);
    clicks
}

#[test]
fn the_express_lane_answers_as_the_general_server_does() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a scratch directory"));
    let pair = Pair {
        express: Server::start(folders[0].path()),
        general: Server::start_with(folders[1].path(), &["--journal-sync-ms", "0"]),
    };
    for server in [&pair.express, &pair.general] {
        assert_eq!(server.shorten("https://example.com/a?b", "abc").0, 201);
        assert_eq!(server.shorten("https://example.com", "gone").0, 201);
        assert_eq!(server.request("DELETE", "/links/gone", "").0, 200);
    }
    for head in CORPUS {
        pair.compare(head.as_bytes());
        pair.compare([head, head].concat().as_bytes());
    }
    for headers in [62, 63, 64, 65] {
        let fields = "x: y\r\n".repeat(headers);
        pair.compare(format!("GET /abc HTTP/1.1\r\nhost: x\r\n{fields}\r\n").as_bytes());
    }
    let fixed = "GET /abc HTTP/1.1\r\nhost: x\r\nx: \r\n\r\n".len();
    for bytes in [16_000, 16_382, 16_383, 16_384, 16_385, 17_000, 33_000] {
        let value = "v".repeat(bytes - fixed);
        pair.compare(format!("GET /abc HTTP/1.1\r\nhost: x\r\nx: {value}\r\n\r\n").as_bytes());
    }
    let dice = Dice(Seeded::new(7));
    for _ in 0..MUTATIONS {
        pair.compare(&mutated(&dice));
    }
    assert_eq!(clicks(&pair.express), clicks(&pair.general));
}
