//! Work that can wait makes way: on a machine with few cores, visitors must not wait for it.

/// Clicks, or things about as costly, that are worked on in one go: about a quarter of a millisecond. A scheduler would
/// let the thread go on for several, while whoever shares its core waits.
const STEPS_MAX: u32 = 2_048;

/// Counts work, and lets other threads of the machine go first every now and then.
#[derive(Debug, Default)]
pub struct Pace(u32);

impl Pace {
    /// Another click was worked on, or something about as costly.
    pub fn step(&mut self) {
        self.0 += 1;
        if self.0 >= STEPS_MAX {
            self.0 = 0;
            std::thread::yield_now();
        }
    }
}
