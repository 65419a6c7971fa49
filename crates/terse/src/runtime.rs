//! The asynchronous runtime, and the machine's time and chance.

use std::sync::Arc;
use std::thread::available_parallelism;

use terse_core::{OsSeeded, Random, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// A runtime with a worker for each processor that this process may use.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread()
        .worker_threads(available_parallelism().map_or(1, usize::from))
        .enable_all()
        .build()?)
}

/// The machine's clock.
pub(crate) fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock::new())
}

/// The operating system's chance.
pub(crate) fn random() -> Result<Arc<dyn Random>, Failure> {
    Ok(Arc::new(OsSeeded::new()?))
}
