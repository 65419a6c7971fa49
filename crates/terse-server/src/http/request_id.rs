//! Request ids: the client's own, or one that no other request has.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use terse_core::Random;

/// The header that carries them, both ways.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const GIVEN_BYTES_MAX: usize = 128;

/// The id of the request under way, as a request extension.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) HeaderValue);

/// Makes ids: a random number for the process, then a count.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut process = [0; 8];
        random.fill(&mut process);
        Self {
            process: u64::from_be_bytes(process),
            count: AtomicU64::new(1),
        }
    }

    /// The id that the client gave if it is printable and short, else a fresh one.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(X_REQUEST_ID) {
            Some(given) if is_sound(given.as_bytes()) => given.clone(),
            _ => self.fresh(),
        }
    }

    fn fresh(&self) -> HeaderValue {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{:016x}{count:016x}", self.process))
            .expect("hexadecimal is visible ASCII")
    }
}

fn is_sound(id: &[u8]) -> bool {
    (1..=GIVEN_BYTES_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}
