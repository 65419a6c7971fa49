//! Jobs on SQLite's threads.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The result of work that never waits: each of SQLite's operations has ended when its call returns.
pub(super) fn drive<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a job waited for something other than its transaction"),
    }
}
