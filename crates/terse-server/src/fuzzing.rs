//! What must hold for any bytes that this crate reads, as functions that panic when it does not.
//!
//! `fuzz/` looks for such bytes with a fuzzer, tests with generated and with kept ones: one function for both. Not a
//! part of the crate: it is there for tests and under the feature `fuzzing` only.

pub use crate::clicks::fuzzing::segment;

#[cfg(test)]
mod tests;
