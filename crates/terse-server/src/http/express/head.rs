//! The head of a plain visit: `GET /{code}` or `HEAD /{code}` on HTTP/1.1 with nothing about it that hyper would have to
//! look after.
//!
//! Read with `httparse`, as hyper does, so that both see the same headers in the same bytes. Whatever is not plainly a
//! visit is not judged here, not even as an error.

use std::mem::MaybeUninit;

use terse_core::CODE_CHARS_MAX;

use crate::http::door::HEADERS_MAX;
use crate::http::visitor::VisitorHeaders;

/// A request for a short link that needs no more than its answer.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    /// The path's only segment: letters, digits, `-` and `_`.
    pub(super) code: &'a str,
    /// Whether the method is HEAD.
    pub(super) is_head: bool,
    /// What the headers tell of the visitor.
    pub(super) headers: VisitorHeaders<'a>,
    /// The request's `X-Request-Id`.
    pub(super) request_id: Option<&'a [u8]>,
    /// How long the head is; the next request begins behind it.
    pub(super) bytes: usize,
}

/// What stands where a visit's code does, without a look at whether `bytes` are one's head.
pub(super) fn glance(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(b"GET /")?;
    let is_behind_code = |byte: &u8| matches!(byte, b' ' | b'?');
    // Every head that is not sent to do harm has its code's end within reach.
    let end = rest.iter().take(CODE_CHARS_MAX + 1).position(is_behind_code)?;
    rest.get(..end)
}

/// The visit that `bytes` begin with. `None` for every other request, and when the head has not arrived whole. `amid` runs when the
/// head was parsed and its headers have not been looked at.
pub(super) fn read(bytes: &[u8], amid: impl FnOnce()) -> Option<Visit<'_>> {
    let mut fields = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(bytes, &mut fields);
    let Ok(httparse::Status::Complete(bytes)) = parsed else {
        return None;
    };
    amid();
    let is_head = match request.method? {
        "GET" => false,
        "HEAD" => true,
        _ => return None,
    };
    if request.version? != 1 {
        return None;
    }
    let mut visit = Visit {
        code: code_of(request.path?)?,
        is_head,
        headers: VisitorHeaders::default(),
        request_id: None,
        bytes,
    };
    let mut hosts = 0;
    for field in request.headers.iter() {
        match role_of(field.name) {
            Role::Host => hosts += 1,
            Role::RequestId => visit.request_id = visit.request_id.or(Some(field.value)),
            Role::Connection if field.value.eq_ignore_ascii_case(b"keep-alive") => {}
            Role::Connection | Role::Framing => return None,
            Role::Other => visit.headers.note(field.name, field.value),
        }
    }
    // RFC 9112, 3.2; the answer to other numbers is somebody else's.
    (hosts == 1).then_some(visit)
}

enum Role {
    Host,
    RequestId,
    Connection,
    /// Says that a body, an interim answer or another protocol is to follow.
    Framing,
    Other,
}

fn role_of(name: &str) -> Role {
    let is = |lower_case| name.eq_ignore_ascii_case(lower_case);
    match name.len() {
        4 if is("host") => Role::Host,
        6 if is("expect") => Role::Framing,
        7 if is("upgrade") => Role::Framing,
        10 if is("connection") => Role::Connection,
        12 if is("x-request-id") => Role::RequestId,
        14 if is("content-length") => Role::Framing,
        17 if is("transfer-encoding") => Role::Framing,
        _ => Role::Other,
    }
}

/// The code in `/{code}` or `/{code}?{query}`, where the query has only what every parser takes for one.
fn code_of(target: &str) -> Option<&str> {
    let path = target.strip_prefix('/')?;
    let (code, query) = path.split_once('?').unwrap_or((path, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_query = |byte: u8| is_plain(byte) || b"!$%&'()*+,./:;=?@~".contains(&byte);
    (!code.is_empty() && code.bytes().all(is_plain) && query.bytes().all(is_query)).then_some(code)
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
