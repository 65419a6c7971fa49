//! The service: redirects, clicks, and the API around them.
//!
//! `http` → use-cases ([`visits`], [`links`], [`users`], [`events`], [`transfer`]) → [`cache`], [`clicks`], the store.
//! Nothing imports `http` but this file and the server that opens the door.

pub mod app;
pub mod auth;
#[cfg(feature = "bench-internals")]
#[doc(hidden)]
pub mod bench {
    //! Private parts of the hot path, each so that its instructions can be counted alone. Under a feature and not
    //! public, so that nobody else builds on them.
    pub use crate::clicks::bench::Batches;
    pub use crate::http::bench::Visits;
}
pub mod cache;
pub mod clicks;
pub mod config;
pub mod data_dir;
pub mod error;
pub mod events;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing {
    //! What must hold for any bytes that this crate reads, as functions that panic when it does not.
    //!
    //! `fuzz/` looks for such bytes with a fuzzer, tests with generated and with kept ones: one function for both. Not a
    //! part of the crate: it is there for tests and under the feature `fuzzing` only.
    pub use crate::clicks::fuzzing::segment;
    pub use crate::http::fuzzing::head;

    #[cfg(test)]
    mod tests;
}
pub mod health;
pub mod http;
pub mod lifecycle;
pub mod links;
pub mod second_cache;
pub mod server;
pub mod telemetry;
pub mod transfer;
pub mod users;
pub mod visits;
