//! Requests whose end programs disagree about: one request, one answer, or the connection is closed. What one program takes
//! for a body is another's next request.

use std::io::{Read, Write};
use std::net::Shutdown;

use super::statuses;
use crate::server::Server;

/// Follows twice: in a body, behind a refusal, or as a request of its own.
const NEXT: &str = "GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
/// With a body that is no JSON, so that it is refused also where it is understood.
const POST: &str = "POST /shorten HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
/// Whose bodies nobody reads.
const VISIT: &str = "GET /next HTTP/1.1\r\nhost: x\r\n";
const DELETION: &str = "DELETE /links/nosuch HTTP/1.1\r\nhost: x\r\n";

/// Ends of requests with a body of which everybody knows where it ends.
const FRAMED: [&str; 23] = [
    "content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "content-length: 05\r\n\r\nhello",
    "content-length: 5 \r\n\r\nhello",
    "content-length: \t5\r\n\r\nhello",
    "content-length: 5\n\nhello",
    "content-length: 5\r\n\nhello",
    "x: y\ncontent-length: 5\r\n\r\nhello",
    "transfer-encoding:chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked \r\n\r\n0\r\n\r\n",
    "transfer-encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: ,chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n0;x=y\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n00000005\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n",
    "content-length: 5\r\n\r\nhello\r\n",
    "content-length: 5\r\n\r\nhello\r\n\r\n\r\n",
];

/// Ends of requests with heads that say nothing clear of a body.
const REFUSED: [&str; 45] = [
    "content-length: 0\r\ncontent-length: 5\r\n\r\nhello",
    "content-length: 5\r\ncontent-length: 0\r\n\r\nhello",
    "content-length: 5, 5\r\n\r\nhello",
    "content-length: 5,6\r\n\r\nhello",
    "content-length: +5\r\n\r\nhello",
    "content-length: -5\r\n\r\nhello",
    "content-length: 0x5\r\n\r\nhello",
    "content-length: 5.0\r\n\r\nhello",
    "content-length: 5 5\r\n\r\nhello",
    "content-length: \r\n\r\nhello",
    "content-length: 18446744073709551616\r\n\r\nhello",
    "content-length : 5\r\n\r\nhello",
    "content-length\t: 5\r\n\r\nhello",
    " content-length: 5\r\n\r\nhello",
    "\tcontent-length: 5\r\n\r\nhello",
    "content-length\u{0}: 5\r\n\r\nhello",
    "content-length: 5\u{0}\r\n\r\nhello",
    "content-length:\u{b}5\r\n\r\nhello",
    "content-length:\r\n 5\r\n\r\nhello",
    "content-length: 5\r\n 0\r\n\r\nhello",
    "content-length: 5\r\r\nhello",
    "content-length: 5\r\n\rhello",
    "x: y\rcontent-length: 5\r\n\r\nhello",
    "x: y\u{0}\r\ncontent-length: 5\r\n\r\nhello",
    "x\r\ncontent-length: 5\r\n\r\nhello",
    ": y\r\ncontent-length: 5\r\n\r\nhello",
    "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n",
    " transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "x: y\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: \u{c}chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\u{0}\r\n\r\n0\r\n\r\n",
    "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "transfer-encoding: 'chunked'\r\n\r\n0\r\n\r\n",
    "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunkedx\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "transfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked,\r\n\r\n0\r\n\r\n",
    "transfer-encoding: \r\n\r\n0\r\n\r\n",
    "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
    "transfer-encoding: x\r\ncontent-length: 5\r\n\r\nhello",
];

/// Ends of requests with bodies that are not what the head says, or have both lengths (RFC 9112, 6.3: chunks count).
const CUT: [&str; 27] = [
    "content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX",
    "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n",
    "transfer-encoding: chunked\n\n0\n\n",
    "transfer-encoding: chunked\r\n\r\n5;x=\"y\r\nz\"\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5;x=y\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5;\rx\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5_0\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n5\r\nhelloxx0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\nhello",
    "transfer-encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n0\r\nx : y\r\n\r\n",
    "transfer-encoding: chunked\r\n\r\n0\n\n",
    "transfer-encoding: chunked\r\n\r\n0\r\r\n",
];

/// Ends of requests, and what is answered when they and [`NEXT`] come as a POST, and as a visit: what looks like a body is a
/// request of its own, or the beginning of one.
const NO_BODY: [(&str, &[&str], &[&str]); 4] = [
    (
        "content_length: 5\r\n\r\nhello",
        &["400", "405", "302"],
        &["302", "405", "302"],
    ),
    (
        "transfer_encoding: chunked\r\n\r\n0\r\n\r\n",
        &["400", "400"],
        &["302", "400"],
    ),
    (
        "content-length: 5\r\n\r\nhelloX",
        &["400", "405", "302"],
        &["302"],
    ),
    ("content-length: 5\r\n\r\nhello\u{0}", &["400", "400"], &["302"]),
];

struct Client {
    server: Server,
    redirects: usize,
}

impl Client {
    /// Sends a request that ends with `rest`, and twice [`NEXT`], alone and behind a visit that the express lane answers.
    fn expect(&mut self, request: &str, rest: &str, expected: &[&str]) {
        for before in [&[][..], &["302"]] {
            let requests = NEXT.repeat(before.len()) + request + rest + NEXT + NEXT;
            let expected = [before, expected].concat();
            assert_eq!(self.statuses(&requests), expected, "{request:?} {rest:?}");
        }
    }

    fn statuses(&mut self, requests: &str) -> Vec<String> {
        let mut connection = self.server.connect();
        // These fail when the server has refused what came first, and closed.
        let _ = connection.write_all(requests.as_bytes());
        let _ = connection.shutdown(Shutdown::Write);
        let mut answers = Vec::new();
        let _ = connection.read_to_end(&mut answers);
        let answers = String::from_utf8_lossy(&answers);
        let statuses: Vec<_> = statuses(&answers).into_iter().map(str::to_owned).collect();
        self.redirects += statuses.iter().filter(|status| *status == "302").count();
        statuses
    }
}

#[test]
fn no_request_can_be_hidden_in_another() {
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    assert_eq!(server.shorten("https://example.com", "next").0, 201);
    let mut client = Client { server, redirects: 0 };
    for rest in FRAMED {
        client.expect(POST, rest, &["400", "302", "302"]);
        client.expect(VISIT, rest, &["302"]);
        client.expect(DELETION, rest, &["404"]);
    }
    for rest in REFUSED {
        for request in [POST, VISIT, DELETION] {
            client.expect(request, rest, &["400"]);
        }
    }
    // The longest length that is a number is one that hyper does not count to.
    for request in [POST, VISIT, DELETION] {
        client.expect(
            request,
            "content-length: 18446744073709551615\r\n\r\nhello",
            &["431"],
        );
    }
    for rest in CUT {
        client.expect(POST, rest, &["400"]);
        client.expect(VISIT, rest, &["302"]);
        client.expect(DELETION, rest, &["404"]);
    }
    for (rest, as_post, as_visit) in NO_BODY {
        client.expect(POST, rest, as_post);
        client.expect(VISIT, rest, as_visit);
    }
    let (_, link) = client.server.get("/urls/1");
    assert_eq!(
        link["click_count"], client.redirects,
        "what was answered, and nothing else"
    );
}
