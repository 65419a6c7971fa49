//! The program's integration tests: one binary, so that the crates beneath it are linked once.

mod architecture;
mod coherence;
mod commands;
mod door;
mod faults;
mod health;
mod help;
mod lifecycle;
mod observed;
mod outage;
mod postgres;
mod readme;
mod server;
mod torture;
#[cfg(feature = "otlp")]
mod traces;
mod watching;
mod way;
