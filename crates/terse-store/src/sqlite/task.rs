//! A job that waits in a queue, together with whoever waits for its result.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::db::{Job, Tx};
use crate::error::{Error, Result, Trouble};

/// A [`Pending`] whatever its result's type.
pub(super) trait Task: fmt::Debug + Send {
    /// Whether somebody still waits for the result.
    fn is_wanted(&self) -> bool;

    /// Does the work in the open transaction; whether its changes are to be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;

    /// Answers: with the result if `outcome` says that the transaction held, else with its error.
    ///
    /// A result that is an error itself also depends on the transaction: a conflict may be one with a row that
    /// is not there after all.
    fn settle(self: Box<Self>, outcome: Result<()>);
}

/// A job before and after its run.
pub(super) struct Pending<T> {
    job: Option<Job<T>>,
    result: Result<T>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T> Pending<T> {
    pub(super) fn new(job: Job<T>, answer: oneshot::Sender<Result<T>>) -> Self {
        Self {
            job: Some(job),
            result: Err(Error::unavailable(Trouble::Closed)),
            answer,
        }
    }
}

impl<T: Send> Task for Pending<T> {
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, tx: &mut Tx) -> bool {
        if let Some(job) = self.job.take() {
            // Whatever a panic leaves half done is in the transaction, which is undone.
            self.result = catch_unwind(AssertUnwindSafe(|| drive(job(tx))))
                .unwrap_or_else(|payload| Err(Error::internal(Trouble::Panic(message(&*payload)))));
        }
        self.result.is_ok()
    }

    fn settle(self: Box<Self>, outcome: Result<()>) {
        // Nobody may be there any more to hear it; that is theirs to decide.
        let _ = self.answer.send(outcome.and(self.result));
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("has_run", &self.job.is_none())
            .finish_non_exhaustive()
    }
}

/// The result of work that never waits: each of SQLite's operations has ended when its call returns.
pub(super) fn drive<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => unreachable!("a job waited for something other than its transaction"),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
