//! Bytes in, bytes out: the answers to plain visits of links in memory. The hot path; nothing here waits, and nothing is
//! allocated once the buffer has its size.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use terse_core::Timestamp;

use super::head::{self, Visit};
use crate::app::App;
use crate::cache::{CachedLink, Moment, NearCache};
use crate::http::log;
use crate::http::request_id::{self, RequestIds};
use crate::telemetry::ThreadVisits;
use crate::visits;

const STATUS_AND_LOCATION: &[u8] = b"HTTP/1.1 302 Found\r\nlocation: ";
/// As in `http::redirect`: a change must be seen at once, and every visit is to be counted.
const CACHE_AND_LENGTH: &[u8] = b"\r\ncache-control: no-store\r\ncontent-length: 0\r\nx-request-id: ";
const DATE: &[u8] = b"\r\ndate: ";
const CLOSE: &[u8] = b"\r\nconnection: close";
const END: &[u8] = b"\r\n\r\n";
/// So many bytes of answers leave before more are made: a buffer of short requests for long targets would otherwise become
/// megabytes, for each client that takes none of them.
const ANSWERS_BYTES_MAX: usize = 64 * 1024;

/// What the bytes behind the answered ones need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// There are none.
    Nothing,
    /// Nothing but more answers, once those that were made have left.
    Answers,
    /// They begin with the visit of a code that is not in memory.
    LookUp,
    /// They begin with something that is not for us, or not whole.
    General,
}

/// Answers visits, for one thread.
pub(super) struct Responder {
    app: Arc<App>,
    near: NearCache,
    now: Moment,
    answers: Answers,
    visits: ThreadVisits,
    /// When what is being answered arrived, by the clock's elapsed time.
    arrived_at: Duration,
    /// Answers that have not left yet.
    unsent: u64,
}

/// What answers are made with.
struct Answers {
    ids: RequestIds,
    now: Timestamp,
    date: String,
    is_closing: bool,
}

impl Responder {
    /// The responder of one of `threads` threads; [`Self::set_time`] before each use.
    pub(super) fn new(app: Arc<App>, threads: usize) -> Self {
        let answers = Answers {
            ids: RequestIds::new(&*app.random),
            now: Timestamp::from_millis(i64::MIN),
            date: String::new(),
            is_closing: false,
        };
        Self {
            near: NearCache::new(&app.cache, threads),
            now: Moment::default(),
            answers,
            visits: app.telemetry.visits.of_thread(),
            arrived_at: Duration::ZERO,
            unsent: 0,
            app,
        }
    }

    /// Looks at the clock: what is answered until the next call is answered at this time.
    pub(super) fn set_time(&mut self) {
        self.now = self.app.cache.now();
        self.answers.set_time(self.app.clock.now());
    }

    /// Says when what is answered from now on arrived, by the clock's elapsed time.
    pub(super) fn set_arrival(&mut self, arrived_at: Duration) {
        self.arrived_at = arrived_at;
    }

    /// When what is being answered arrived.
    pub(super) fn arrived_at(&self) -> Duration {
        self.arrived_at
    }

    /// Counts the answers that were made since the last call: they have left, or are as far as this thread brings them.
    /// One look at the clock for all of them.
    pub(super) fn note_sent(&mut self) {
        let visits = std::mem::take(&mut self.unsent);
        if visits > 0 {
            let took = self.app.clock.elapsed().saturating_sub(self.arrived_at);
            self.visits.redirected(visits, took);
            let hits = self.near.hits();
            self.visits.set_hits(hits.near, hits.memory);
        }
    }

    /// From now on, clients are told to close with the last answer to what they sent.
    pub(super) fn close(&mut self) {
        self.answers.is_closing = true;
    }

    /// Whether clients are told to close.
    pub(super) fn is_closing(&self) -> bool {
        self.answers.is_closing
    }

    /// Answers the visits that `bytes` begin with, each after its click is in the journal. Gives how many bytes were
    /// answered, and what the others need. `is_all` says whether `bytes` are all that is known to have arrived.
    pub(super) fn answer(&mut self, bytes: &[u8], is_all: bool, out: &mut Vec<u8>) -> (usize, Next) {
        let mut answered = 0;
        while let Some(rest) = bytes.get(answered..).filter(|rest| !rest.is_empty()) {
            if out.len() >= ANSWERS_BYTES_MAX {
                return (answered, Next::Answers);
            }
            let (near, cache) = (&mut self.near, &self.app.cache);
            // Reading the head takes as long as it takes the memory to bring what the code leads to.
            let glance = head::glance(rest).map(|code| (code, near.expect(cache, code)));
            let amid = || {
                if let Some((_, expected)) = glance {
                    near.approach(expected);
                }
            };
            let Some(visit) = head::read(rest, amid) else {
                return (answered, Next::General);
            };
            let code = visit.code.as_bytes();
            let seen = glance.filter(|(seen, _)| *seen == code);
            let expected = seen.map_or_else(|| near.expect(cache, code), |(_, expected)| expected);
            let Some(link) = near.get(cache, visit.code, expected, self.now) else {
                return (answered, Next::LookUp);
            };
            if !link.is_active() {
                return (answered, Next::General);
            }
            answered += visit.bytes;
            let is_last = is_all && answered == bytes.len();
            self.answers.redirect(&self.app, &visit, link, is_last, out);
            self.unsent += 1;
        }
        (answered, Next::Nothing)
    }
}

impl Answers {
    fn set_time(&mut self, now: Timestamp) {
        let second = |time: Timestamp| time.as_millis().div_euclid(1000);
        if second(now) != second(self.now) || self.date.is_empty() {
            let since_epoch = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
            self.date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_epoch);
        }
        self.now = now;
    }

    fn redirect(&self, app: &App, visit: &Visit<'_>, link: &CachedLink, is_last: bool, out: &mut Vec<u8>) {
        let visitor = visit.headers.visitor(visit.is_head);
        // A click that was shed is counted as such; the visitor is redirected all the same.
        let _ = visits::append_click(app, self.now, link, visitor);
        let fresh;
        let id = match visit.request_id {
            Some(given) if request_id::is_sound(given) => given,
            _ => {
                fresh = self.ids.fresh();
                &fresh
            }
        };
        // Not before the last: a client may not read on behind it (RFC 9112, 9.6).
        let close = if self.is_closing && is_last { CLOSE } else { &[] };
        for part in [
            STATUS_AND_LOCATION,
            link.location(),
            CACHE_AND_LENGTH,
            id,
            DATE,
            self.date.as_bytes(),
            close,
            END,
        ] {
            out.extend_from_slice(part);
        }
        if app.config.log_redirects {
            log::redirect(visit.code, StatusCode::FOUND, id);
        }
    }
}
