//! A session with PostgreSQL that does what no client should: as much of the protocol as that takes
//! (<https://www.postgresql.org/docs/current/protocol-flow.html>), for a server that trusts whoever comes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PROTOCOL: i32 = 196_608;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const ERROR: u8 = b'E';
const READY: u8 = b'Z';

/// A session, until it is dropped.
pub(super) struct Session(TcpStream);

impl Session {
    /// Begins a session in the database of the cluster; fails where the server has no more room.
    pub(super) fn begin(server: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect_timeout(&server, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let mut hello = PROTOCOL.to_be_bytes().to_vec();
        hello.extend_from_slice(b"user\0postgres\0database\0terse\0application_name\0faults\0\0");
        stream.write_all(&with_length(&hello))?;
        let mut session = Self(stream);
        session.until_ready()?;
        Ok(session)
    }

    /// Has these statements done.
    pub(super) fn say(&mut self, statements: &str) -> io::Result<()> {
        let mut text = statements.as_bytes().to_vec();
        text.push(0);
        self.0.write_all(b"Q")?;
        self.0.write_all(&with_length(&text))?;
        self.until_ready()
    }

    fn until_ready(&mut self) -> io::Result<()> {
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head)?;
            let [kind, length @ ..] = head;
            let length = usize::try_from(u32::from_be_bytes(length)).expect("64 bits");
            let mut body = vec![0; length.saturating_sub(4)];
            self.0.read_exact(&mut body)?;
            match kind {
                ERROR => return Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())),
                READY => return Ok(()),
                _ => {}
            }
        }
    }
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short text");
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(body);
    bytes
}
