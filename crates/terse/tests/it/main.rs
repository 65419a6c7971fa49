//! The program's integration tests: one binary, so that the crates beneath it are linked once.

mod architecture;
mod lifecycle;
mod readme;
mod server;
