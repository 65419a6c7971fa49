mod agreement;

use super::*;

fn head(line: &str, headers: &str) -> String {
    format!("{line}\r\nhost: sho.rt\r\n{headers}\r\n")
}

#[test]
fn a_plain_visit_is_read_with_what_it_tells() {
    let text = head(
        "GET /ab-C_9 HTTP/1.1",
        "User-Agent: Agent\r\nReferer: https://a/\r\nX-Request-Id: 42\r\nConnection: Keep-Alive\r\n",
    );
    let followed = format!("{text}GET /next");
    let visit = read(followed.as_bytes(), || {}).expect("a visit");
    assert_eq!(
        (visit.code, visit.is_head, visit.bytes),
        ("ab-C_9", false, text.len())
    );
    assert_eq!(visit.request_id, Some(&b"42"[..]));
    let visitor = visit.headers.visitor(visit.is_head);
    assert_eq!(visitor.user_agent, Some(&b"Agent"[..]));
    assert_eq!(visitor.referrer, Some(&b"https://a/"[..]));
}

#[test]
fn queries_and_head_are_visits_too() {
    let query = head("HEAD /abc?utm_source=a&fbclid=x%20y HTTP/1.1", "");
    let visit = read(query.as_bytes(), || {}).expect("a visit");
    assert_eq!((visit.code, visit.is_head), ("abc", true));
}

#[test]
fn a_glance_sees_the_code_before_the_head_is_read() {
    for (bytes, code) in [
        (&b"GET /abc HTTP/1.1\r\n"[..], Some(&b"abc"[..])),
        (b"GET /a-b?c HTTP/1.1", Some(b"a-b")),
        (b"GET / HTTP/1.1", Some(b"")),
        (b"GET /abc", None),
        (b"HEAD /abc HTTP/1.1", None),
        (b"", None),
    ] {
        assert_eq!(glance(bytes), code);
    }
    let long = format!("GET /{} HTTP/1.1", "a".repeat(CODE_CHARS_MAX));
    assert_eq!(glance(long.as_bytes()).map(<[u8]>::len), Some(CODE_CHARS_MAX));
}

#[test]
fn everything_else_is_left_to_hyper() {
    for text in [
        head("POST /abc HTTP/1.1", ""),
        head("GET / HTTP/1.1", ""),
        head("GET /a/b HTTP/1.1", ""),
        head("GET /a.b HTTP/1.1", ""),
        head("GET /abc#x HTTP/1.1", ""),
        head("GET /abc?\"x HTTP/1.1", ""),
        head("GET http://sho.rt/abc HTTP/1.1", ""),
        head("GET /abc HTTP/1.0", ""),
        head("GET /abc HTTP/1.1", "host: two\r\n"),
        head("GET /abc HTTP/1.1", "Content-Length: 0\r\n"),
        head("GET /abc HTTP/1.1", "transfer-encoding: chunked\r\n"),
        head("GET /abc HTTP/1.1", "expect: 100-continue\r\n"),
        head("GET /abc HTTP/1.1", "connection: close\r\n"),
        head("GET /abc HTTP/1.1", "connection: keep-alive, upgrade\r\n"),
        head("GET /abc HTTP/1.1", "upgrade: h2c\r\n"),
        head("GET /abc HTTP/1.1", &"x: y\r\n".repeat(HEADERS_MAX)),
        head("GET /abc HTTP/1.1", "name : value\r\n"),
        head("GET /abc HTTP/1.1", "a: b\r\n folded\r\n"),
        "GET /abc HTTP/1.1\r\n\r\n".to_owned(),
        "GET /abc HTTP/1.1\r\nhost: x\r\n".to_owned(),
        String::new(),
    ] {
        assert!(read(text.as_bytes(), || {}).is_none(), "{text:?}");
    }
}
