//! Panics as values: without shipping the journal would fill, and nobody would know why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The future panicked; the panic's message went to the panic hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panicked;

/// What `work` gives, unless it panics. A future that has panicked is not polled again, and its locks are free.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        // What a pass shares changes in single steps, so that it can be given up anywhere.
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .map_or(Poll::Ready(Err(Panicked)), |poll| poll.map(Ok))
    })
    .await
}
