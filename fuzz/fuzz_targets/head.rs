//! Bytes that a connection begins with.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terse_server::fuzzing::head(bytes));
