//! Chance as a dependency: short codes and request ids take a [`Random`], so that tests seed it.

use std::sync::Mutex;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of bytes that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// ChaCha20 seeded by the operating system: a CSPRNG that makes no system call per code.
#[derive(Debug)]
pub struct OsSeeded(Mutex<ChaCha20Rng>);

impl OsSeeded {
    /// A generator with a fresh seed.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where ambient randomness enters"
    )]
    pub fn new() -> Result<Self, std::io::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::from)?;
        Ok(Self(Mutex::new(ChaCha20Rng::from_seed(seed))))
    }
}

impl Random for OsSeeded {
    fn fill(&self, bytes: &mut [u8]) {
        fill_locked(&self.0, bytes);
    }
}

/// The same bytes in every run: for tests only.
#[derive(Debug)]
pub struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    /// A generator whose whole future is decided by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        fill_locked(&self.0, bytes);
    }
}

fn fill_locked(rng: &Mutex<ChaCha20Rng>, bytes: &mut [u8]) {
    // A thread that panicked inside `fill_bytes` would leave a valid generator behind.
    rng.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .fill_bytes(bytes);
}
