//! Many requests on one connection, cut and mixed in every way.

use std::io::{Read, Write};
use std::net::Shutdown;

use serde_json::Value;

use super::{answers_to, statuses};
use crate::server::Server;

const VISIT: &str = "GET /abc HTTP/1.1\r\nhost: x\r\nuser-agent: piped\r\n\r\n";
const LAST: &str = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

fn server_with_abc(data_dir: &std::path::Path) -> Server {
    let server = Server::start(data_dir);
    assert_eq!(server.shorten("https://example.com", "abc").0, 201);
    server
}

fn clicks(server: &Server) -> u64 {
    let (_, link) = server.get("/urls/1");
    link["click_count"].as_u64().expect("a number")
}

#[test]
fn pipelined_visits_are_answered_and_counted_each_once() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let mut sent = 0;
    for visits in [1, 2, 40, 1_000] {
        let requests = VISIT.repeat(visits) + LAST;
        let answers = answers_to(&server, requests.as_bytes());
        let expected = [vec!["302"; visits], vec!["200"]].concat();
        assert_eq!(statuses(&answers), expected);
        sent += visits as u64;
        assert_eq!(clicks(&server), sent);
    }
}

#[test]
fn a_pipeline_may_be_cut_anywhere() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let requests = VISIT.repeat(2) + LAST;
    for cut in 1..requests.len() {
        let (first, second) = requests.as_bytes().split_at(cut);
        let mut connection = server.connect();
        connection.set_nodelay(true).expect("a socket");
        connection.write_all(first).expect("the server reads");
        // What is whole is answered before the rest is sent: the server has seen the cut.
        let mut answers = Vec::new();
        for _ in 0..(cut / VISIT.len()).min(2) {
            read_answer(&mut connection, &mut answers);
        }
        connection.write_all(second).expect("the server reads");
        connection.read_to_end(&mut answers).expect("the server closes");
        let answers = String::from_utf8(answers).expect("text");
        assert_eq!(statuses(&answers), ["302", "302", "200"], "cut at {cut}");
    }
    assert_eq!(clicks(&server), 2 * (requests.len() as u64 - 1));
}

/// Reads to the end of the next head; redirects have no body.
fn read_answer(connection: &mut impl Read, answers: &mut Vec<u8>) {
    let begin = answers.len();
    while !answers[begin..].ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("the server answers");
        answers.extend(byte);
    }
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    for requests in [
        VISIT.to_owned(),
        VISIT.repeat(40),
        VISIT.to_owned() + "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut connection = server.connect();
        connection
            .write_all(requests.as_bytes())
            .expect("the server reads");
        connection.shutdown(Shutdown::Write).expect("a socket");
        let mut answers = String::new();
        connection
            .read_to_string(&mut answers)
            .expect("the server closes");
        assert_eq!(
            statuses(&answers).len(),
            requests.matches("GET").count(),
            "{answers}"
        );
    }
    // Cut short: nothing was asked, and the connection is over all the same.
    let mut connection = server.connect();
    connection
        .write_all(&VISIT.as_bytes()[..20])
        .expect("the server reads");
    connection.shutdown(Shutdown::Write).expect("a socket");
    let mut answers = String::new();
    connection
        .read_to_string(&mut answers)
        .expect("the server closes");
    assert_eq!(answers, "");
}

#[test]
fn visits_and_other_requests_take_turns_on_a_connection() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let body = r#"{"url":"https://example.com/new","short_code":"new"}"#;
    let requests = [
        VISIT,
        &format!(
            "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        "GET /new HTTP/1.1\r\nhost: x\r\n\r\n",
        "HEAD /abc HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /nosuch HTTP/1.1\r\nhost: x\r\n\r\n",
        "DELETE /links/new HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /new HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /abc HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ];
    let expected = ["302", "201", "302", "302", "404", "200", "410", "302"];
    assert_eq!(
        statuses(&answers_to(&server, requests.concat().as_bytes())),
        expected
    );
    let mut connection = server.connect();
    for (request, status) in requests[2..]
        .iter()
        .zip(["410", "302", "404", "200", "410", "302"])
    {
        connection
            .write_all(request.as_bytes())
            .expect("the server reads");
        let mut answer = Vec::new();
        read_answer(&mut connection, &mut answer);
        let head = String::from_utf8(answer).expect("text");
        assert_eq!(statuses(&head), [status], "{request}");
        if !request.starts_with("HEAD") {
            let length = head.split("content-length: ").nth(1).expect("a length");
            let length = length
                .split('\r')
                .next()
                .expect("a line")
                .parse()
                .expect("a number");
            std::io::copy(&mut (&mut connection).take(length), &mut std::io::sink()).expect("a body");
        }
    }
    assert_eq!(clicks(&server), 3, "two of them with `connection: close`");
}

#[test]
fn a_client_that_never_reads_costs_the_others_nothing() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    let long = format!("https://example.com/{}", "a".repeat(8_000));
    assert_eq!(server.shorten(&long, "long").0, 201);
    let requests = "GET /long HTTP/1.1\r\nhost: x\r\n\r\n".repeat(300_000);
    let mut stuck = server.connect();
    stuck.set_nonblocking(true).expect("a socket");
    let mut sent = 0;
    // The server stops reading once its answers are not taken; before that, others are answered beside it.
    while let Ok(more) = stuck.write(&requests.as_bytes()[sent..]) {
        sent += more;
        assert_eq!(server.get("/abc").0, 302);
        if sent == requests.len() {
            break;
        }
    }
    for _ in 0..100 {
        assert_eq!(server.get("/abc").0, 302);
    }
    assert!(server.memory_kib() < 300 * 1024, "{} KiB", server.memory_kib());
}

#[test]
fn codes_that_lead_nowhere_say_so_in_any_order() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    assert_eq!(server.shorten("https://example.com", "gone").0, 201);
    assert_eq!(server.request("DELETE", "/links/gone", "").0, 200);
    let requests = ["gone", "abc", "nosuch", "abc", "gone", "nosuch"]
        .map(|code| format!("GET /{code} HTTP/1.1\r\nhost: x\r\n\r\n"))
        .concat()
        + LAST;
    for _ in 0..2 {
        let answers = answers_to(&server, requests.as_bytes());
        assert_eq!(
            statuses(&answers),
            ["410", "302", "404", "302", "410", "404", "200"]
        );
    }
    assert_eq!(clicks(&server), 4);
    assert_eq!(server.get("/urls/2").1["click_count"], Value::from(0));
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = server_with_abc(data.path());
    for body in [
        "content-length: 3\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        for (request, status) in [
            ("GET /abc", "302"),
            ("GET /nosuch", "404"),
            ("GET /livez", "200"),
            ("DELETE /links/nosuch", "404"),
        ] {
            let requests = format!("{request} HTTP/1.1\r\nhost: x\r\n{body}{VISIT}");
            let answers = answers_to(&server, requests.as_bytes());
            assert_eq!(statuses(&answers), [status], "{requests}: {answers}");
            assert!(answers.contains("connection: close\r\n"), "{answers}");
        }
    }
}
