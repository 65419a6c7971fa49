//! What the hot path costs in instructions, which no other program on the machine changes.
//!
//! Without an argument the program lists its cases; with a case's name it does that one. It counts nothing itself:
//! `bench/instructions` runs it under valgrind's callgrind, which counts what [`measured`] does, and holds the result
//! to `bench/instructions.txt`.
//!
//! So that two runs count alike: time stands still, chance is seeded, what is only done the first time was done before,
//! and work of other threads is not waited for within what is counted. Hash tables take their seeds from the clock,
//! which nobody can hand in: a case visits hundreds of entries, not one.

mod clicks;
mod scene;
mod visits;

use std::hint::black_box;
use std::process::ExitCode;

/// Something that is done some number of times.
struct Case {
    name: &'static str,
    /// How many of what the name says one run does: the count is divided by it.
    units: usize,
    run: fn(usize),
}

const CASES: [Case; 8] = [
    // Visits, as a thread of the express lane answers them.
    case("visit-near", 1_000, visits::near),
    case("visit-shared", 1_000, visits::shared),
    // Visits that the general path answers, or asks the store about.
    case("visit-unknown", 1_000, visits::unknown),
    case("visit-first", 1_000, visits::first),
    // Clicks, on their way into the journal, out of it, and into the store.
    case("click-append", 1_000, clicks::append),
    case("click-read-batch", 10_000, clicks::read_batch),
    case("click-pack-block", 10_000, clicks::pack_blocks),
    case("click-pack-posting", 262_144, clicks::pack_postings),
];

const fn case(name: &'static str, units: usize, run: fn(usize)) -> Case {
    Case { name, units, run }
}

#[expect(clippy::print_stdout, reason = "a program for a script: this is its answer")]
fn main() -> ExitCode {
    // `cargo bench` adds a flag for the harness that this is not.
    let Some(wanted) = std::env::args().nth(1).filter(|name| !name.starts_with('-')) else {
        for case in &CASES {
            println!("{} {}", case.name, case.units);
        }
        return ExitCode::SUCCESS;
    };
    let Some(case) = CASES.iter().find(|case| case.name == wanted) else {
        return ExitCode::FAILURE;
    };
    (case.run)(case.units);
    ExitCode::SUCCESS
}

/// The only function that is counted, on this thread, with all that it calls.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}
