//! Bytes in the place of a journal's segment.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terse_server::fuzzing::segment(bytes));
