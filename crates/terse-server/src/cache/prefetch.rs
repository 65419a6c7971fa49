//! Tells the processor what will be read soon.

#![expect(
    unsafe_code,
    reason = "there is no safe name for the processor's instruction, which has no effect that the program could see"
)]

/// What the processor brings near at once.
#[cfg(target_arch = "x86_64")]
const LINE_BYTES: usize = 64;

/// Has memory brought near, without waiting for it: so many cache lines from the one on that `value` begins in. Where the processor
/// has no such instruction, or we do not know it, nothing happens.
#[inline]
pub(super) fn prefetch<T>(value: &T, lines: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..lines {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = std::ptr::from_ref(value)
            .cast::<i8>()
            .wrapping_add(line * LINE_BYTES);
        // SAFETY: every x86-64 processor has the instruction. It is a hint, which gives no value, changes no memory, and does not
        // fault, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (value, lines);
}
