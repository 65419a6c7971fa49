//! A job that waits in a queue, together with whoever waits for its result.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::db::{Job, Tx};
use crate::error::{Error, Result, Trouble};

/// A [`Pending`] whatever its result's type.
pub(crate) trait Task: fmt::Debug + Send {
    /// Whether somebody still waits for the result; nobody gives up waiting once this has said so.
    fn begin(&self) -> bool;

    /// Does the work in the open transaction; whether its changes are to be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

    /// Answers: with the result if `outcome` says that the transaction held, else with its error.
    ///
    /// A result that is an error itself also depends on the transaction: a conflict may be one with a row that
    /// is not there after all.
    fn settle(self: Box<Self>, outcome: Result<()>);
}

/// A job before and after its run.
pub(crate) struct Pending<T> {
    job: Option<Job<T>>,
    result: Result<T>,
    answer: oneshot::Sender<Result<T>>,
    progress: Progress,
}

/// Whether a task has begun, or was given up before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<AtomicU8>);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Progress {
    /// Gives the task up if it has not begun: then it never will.
    pub(crate) fn give_up(&self) -> bool {
        self.leave(GIVEN_UP)
    }

    fn leave(&self, next: u8) -> bool {
        self.0
            .compare_exchange(WAITING, next, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl<T> Pending<T> {
    pub(crate) fn new(job: Job<T>, answer: oneshot::Sender<Result<T>>) -> Self {
        Self {
            job: Some(job),
            result: Err(Error::unavailable(Trouble::Closed)),
            answer,
            progress: Progress::default(),
        }
    }

    /// For whoever waits, and may lose patience.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl<T: Send> Task for Pending<T> {
    fn begin(&self) -> bool {
        !self.answer.is_closed() && self.progress.leave(BEGUN)
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            if let Some(job) = self.job.take() {
                // Whatever a panic leaves half done is in the transaction, which is undone.
                self.result = AssertUnwindSafe(async { job(tx).await })
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|payload| Err(Error::internal(Trouble::Panic(message(&*payload)))));
            }
            self.result.is_ok()
        })
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

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
