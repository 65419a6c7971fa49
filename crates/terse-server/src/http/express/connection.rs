//! One connection of a thread: what is read is answered, or the connection goes where it can be.
//!
//! Reads and writes by system calls of their own: the C library's do more at each than is needed here.

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::responder::{Next, Responder};
use crate::http::door::{HEAD_BYTES_MAX, Place};

/// A client that sends more than this many buffers of pipelined requests lets the other connections have their turn.
pub(super) const READS_MAX: usize = 4;

/// A connection whose requests so far were all answered.
pub(super) struct Connection {
    /// Registered with the thread's poll.
    pub(super) stream: TcpStream,
    /// Its place among the open connections.
    pub(super) place: Place,
    /// When it was last heard of, in the thread's seconds.
    pub(super) heard_at_s: u64,
    /// The client has said that it sends no more. No second event says so.
    pub(super) is_at_end: bool,
}

/// What becomes of a connection that was served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits for its next request.
    Stays,
    /// There may be more to read, and no event will say so.
    Again,
    /// It is over.
    Ends,
    /// It leaves the thread.
    Leaves(Why),
}

/// Why a connection leaves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// These bytes were read and not answered: they begin with the visit of a code that is not in memory.
    LookUp(Vec<u8>),
    /// These bytes were read and not answered: they are not for us.
    General(Vec<u8>),
    /// The client does not take its answers: `unsent` is to be written first.
    Slow {
        /// What is left of the answers.
        unsent: Vec<u8>,
        /// What was read and not answered.
        unanswered: Vec<u8>,
    },
}

/// Where a thread reads to and writes from: one for all its connections, as each is served at once.
pub(super) struct Buffers {
    input: Box<[u8]>,
    pub(super) output: Vec<u8>,
}

impl Buffers {
    /// Of the size of the longest head, as more than that is an error, and somebody else's to answer.
    pub(super) fn new() -> Self {
        Self {
            input: vec![0; HEAD_BYTES_MAX].into_boxed_slice(),
            output: Vec::with_capacity(HEAD_BYTES_MAX),
        }
    }
}

impl Connection {
    /// Answers what has arrived.
    pub(super) fn serve(&mut self, responder: &mut Responder, buffers: &mut Buffers) -> Fate {
        for _ in 0..READS_MAX {
            let read = match recv(&self.stream, &mut *buffers.input, RecvFlags::empty()) {
                Ok((0, _)) => return Fate::Ends,
                Ok((read, _)) => read,
                Err(Errno::AGAIN) => return Fate::Stays,
                Err(Errno::INTR) => continue,
                Err(_) => return Fate::Ends,
            };
            let fate = self.answer(&buffers.input[..read], responder, &mut buffers.output);
            // The system tells of what arrives later; a read that did not fill the buffer has emptied the socket.
            if fate != Fate::Stays || (read < buffers.input.len() && !self.is_at_end) {
                return fate;
            }
        }
        Fate::Again
    }

    /// Answers `bytes`, which were read.
    pub(super) fn answer(&mut self, bytes: &[u8], responder: &mut Responder, output: &mut Vec<u8>) -> Fate {
        let mut unanswered = bytes;
        // A full buffer: what follows is there already, most likely.
        let is_all = bytes.len() < HEAD_BYTES_MAX;
        loop {
            output.clear();
            let (answered, next) = responder.answer(unanswered, is_all, output);
            unanswered = &unanswered[answered..];
            let sent = self.send(output);
            responder.note_sent();
            let Ok(sent) = sent else {
                return Fate::Ends;
            };
            if sent < output.len() {
                return Fate::Leaves(Why::Slow {
                    unsent: output[sent..].to_vec(),
                    unanswered: unanswered.to_vec(),
                });
            }
            return match next {
                Next::Nothing => Fate::Stays,
                Next::Answers => continue,
                Next::LookUp => Fate::Leaves(Why::LookUp(unanswered.to_vec())),
                Next::General => Fate::Leaves(Why::General(unanswered.to_vec())),
            };
        }
    }

    /// Whether something has arrived that was not read.
    pub(super) fn has_unread(&self) -> bool {
        matches!(recv(&self.stream, &mut [0; 1][..], RecvFlags::PEEK), Ok((1.., _)))
    }

    /// Writes as much as the client takes now; how much that is.
    fn send(&self, output: &[u8]) -> Result<usize, Errno> {
        let mut sent = 0;
        while sent < output.len() {
            match send(&self.stream, &output[sent..], SendFlags::NOSIGNAL) {
                Ok(bytes) => sent += bytes,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }
}
