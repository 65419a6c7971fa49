//! Texts in the place of a short code.

#![no_main]

libfuzzer_sys::fuzz_target!(|given: &str| terse_core::fuzzing::short_code(given));
