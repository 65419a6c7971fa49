//! A client that knows exactly what was answered before the server died.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::server::Server;

/// One kept-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    host: String,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: Value,
    /// Whether the server closes the connection behind it.
    pub(crate) is_last: bool,
}

impl Client {
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            stream: server.connect(),
            host: server.address.clone(),
        }
    }

    /// Gives up waiting for an answer after `within`.
    pub(crate) fn over(stream: TcpStream, host: &str, within: Duration) -> io::Result<Self> {
        stream.set_read_timeout(Some(within))?;
        Ok(Self {
            stream,
            host: host.to_owned(),
        })
    }

    /// The answer, or `None` when the server died before it was whole.
    pub(crate) fn request(&mut self, method: &str, path: &str, agent: &str, body: &str) -> Option<Answer> {
        // With the length of a body, even of none, a visit is no plain one: it would not be answered in the express lane.
        let about_body = if body.is_empty() {
            String::new()
        } else {
            format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            )
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: {agent}\r\n{about_body}\r\n{body}",
            self.host
        );
        self.stream.write_all(request.as_bytes()).ok()?;
        let (head, mut rest) = self.read_head()?;
        let length = header(&head, "content-length").parse().unwrap_or(0);
        let length = if method == "HEAD" { 0 } else { length };
        while rest.len() < length {
            self.read_more(&mut rest)?;
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = serde_json::from_slice(&rest).unwrap_or(Value::Null);
        Some(Answer {
            status,
            location: header(&head, "location").to_owned(),
            body,
            is_last: header(&head, "connection").eq_ignore_ascii_case("close"),
        })
    }

    fn read_head(&mut self) -> Option<(String, Vec<u8>)> {
        let mut bytes = Vec::new();
        loop {
            self.read_more(&mut bytes)?;
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                return Some((String::from_utf8_lossy(&bytes).into_owned(), rest));
            }
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        let mut buffer = [0; 16_384];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => None,
            Ok(length) => {
                bytes.extend_from_slice(&buffer[..length]);
                Some(())
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .next()
        .unwrap_or("")
}
