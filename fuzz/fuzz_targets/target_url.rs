//! Texts in the place of a target.

#![no_main]

libfuzzer_sys::fuzz_target!(|given: &str| terse_core::fuzzing::target_url(given));
