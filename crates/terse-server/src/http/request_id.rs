//! Request ids: the client's own, or one that no other request has.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use terse_core::Random;

/// The header that carries them, both ways.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const GIVEN_BYTES_MAX: usize = 128;
const ID_BYTES: usize = 32;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Makes ids: a random number for the source, then a count.
#[derive(Debug)]
pub(super) struct RequestIds {
    source: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut source = [0; 8];
        random.fill(&mut source);
        Self {
            source: u64::from_be_bytes(source),
            count: AtomicU64::new(1),
        }
    }

    /// The id that the client gave if it is printable and short, else a fresh one.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(X_REQUEST_ID) {
            Some(given) if is_sound(given.as_bytes()) => given.clone(),
            _ => HeaderValue::from_bytes(&self.fresh()).expect("hexadecimal is visible ASCII"),
        }
    }

    /// An id that no other request has, in hexadecimal.
    pub(super) fn fresh(&self) -> [u8; ID_BYTES] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let number = u128::from(self.source) << 64 | u128::from(count);
        let mut id = [0; ID_BYTES];
        for (byte, digits) in number.to_be_bytes().into_iter().zip(id.chunks_exact_mut(2)) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        id
    }
}

/// Whether an id that a client gave may be used.
pub(super) fn is_sound(id: &[u8]) -> bool {
    (1..=GIVEN_BYTES_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}
