//! Heads that are put together of likely pieces, and long ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::fuzzing::is_visit_for_both;
use crate::http::door::{HEAD_BYTES_MAX, HEADERS_MAX};

const PIECES: [&str; 36] = [
    "GET ",
    "HEAD ",
    "/abc",
    "/a-b_9",
    "?x=1",
    "?%20",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n",
    "\n",
    "\r",
    "host: x",
    "Host:x",
    "user-agent: a",
    "referer: \u{e9}",
    "x-request-id: 1",
    "connection: keep-alive",
    "connection: close",
    "expect: x",
    "content-length: 0",
    "content-length: 5",
    "transfer-encoding: chunked",
    "upgrade: h2c",
    "dnt: 1",
    "a!#$%&'*+.^`|~: b",
    ":",
    " ",
    "\t",
    "\0",
    "\u{7f}",
    "\"",
    "#",
    "@",
    "(",
    "x: y\r\n",
    "GET /abc HTTP/1.1\r\nhost: x\r\n",
];

proptest! {
    #[test]
    fn what_is_taken_for_a_visit_is_one_for_hyper(
        pieces in vec(select(&PIECES[..]), 0..12),
        header_lines in vec((select(&PIECES[11..]), select(&["\r\n", "\n", "\r\n", "\r"][..])), 0..6),
        stray in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        is_visit_for_both(pieces.concat().as_bytes());
        let lines: String = header_lines.iter().flat_map(|(line, end)| [*line, *end]).collect();
        let mut likely = format!("GET /abc?a=b HTTP/1.1\r\nhost: x\r\n{lines}\r\n").into_bytes();
        is_visit_for_both(&likely);
        if let Some((at, byte)) = stray {
            let at = at.index(likely.len());
            likely[at] = byte;
            is_visit_for_both(&likely);
        }
    }
}

#[test]
fn the_longest_head_and_the_most_headers_are_visits_for_both() {
    let fields = "x: y\r\n".repeat(HEADERS_MAX - 1);
    assert!(is_visit_for_both(
        format!("GET /abc HTTP/1.1\r\nhost: x\r\n{fields}\r\n").as_bytes()
    ));
    let long = "v".repeat(HEAD_BYTES_MAX - 200);
    assert!(is_visit_for_both(
        format!("GET /abc HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").as_bytes()
    ));
}
