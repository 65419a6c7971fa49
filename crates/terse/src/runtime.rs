//! The asynchronous runtime, and the machine's time and chance.

use std::sync::Arc;
use std::thread::available_parallelism;

use terse_core::{OsSeeded, Random, SystemClock};
use terse_server::app::App;
use terse_server::config::Config;
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

/// The application on a stopped data directory, whose lock the caller holds, with everything in its store that a crash left
/// in the journal: opening gives up early, for the sake of those who wait for a server; this does not.
pub(crate) async fn app_with_all_clicks(config: Config) -> Result<App, Failure> {
    let app = App::open(config, clock(), random()?).await?;
    app.shipper.recover().await?;
    Ok(app)
}
