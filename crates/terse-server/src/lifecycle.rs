//! Tasks that end: what is spawned here is waited for when the server stops.

use std::time::Duration;
use std::{io, thread};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Requests under way are given this long to finish once the server was told to stop.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(25);

/// Where tasks are spawned, and how they learn that it is time to stop.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// A set without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `future` beside the caller; dropping the handle does not stop it.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(future)
    }

    /// Runs `future` on a thread of that name: for what keeps a processor busy for longer than others should wait behind it.
    /// Its sleeps and sockets are still the caller's runtime's. Fails when the system gives no thread.
    pub fn spawn_thread<F>(&self, name: &str, future: F) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (runtime, running) = (Handle::current(), self.hold());
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(future);
            drop(running);
        });
        started.map(drop)
    }

    /// For what ends on its own, beside the tasks: waited for like one until it is dropped.
    pub fn hold(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Cancelled when it is time to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells all tasks to stop and waits for them, at most [`DRAIN_WITHIN`]. Whether all have ended.
    pub async fn drain(&self) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(DRAIN_WITHIN, self.tracker.wait())
            .await
            .is_ok()
    }
}
