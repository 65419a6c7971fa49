//! The thread that writes: group commit.
//!
//! A sync to disk costs more than the statements before it, so that whatever is queued already shares one. Invariant:
//! no task is answered before the commit that holds it, and a failed task leaves nothing behind in the group.

use std::time::Duration;

use crossbeam_channel::{Receiver, after};

use super::drive::drive;
use super::sqlite;
use crate::db::Tx;
use crate::error::{Error, Result, Trouble};
use crate::task::Task;

/// How long a group may take tasks in: what the first of them waits for the others at most.
const GROUP_TIME_MAX: Duration = Duration::from_millis(2);
/// How many tasks a group may take in.
const GROUP_TASKS_MAX: usize = 256;

/// Runs tasks until the queue is closed and empty.
pub(super) fn run(tx: &mut Tx, tasks: &Receiver<Box<dyn Task>>) {
    for task in tasks {
        if task.begin() {
            run_group(tx, task, tasks);
        }
    }
}

fn run_group(tx: &mut Tx, mut first: Box<dyn Task>, tasks: &Receiver<Box<dyn Task>>) {
    if let Err(error) = control(tx, "BEGIN IMMEDIATE") {
        return first.settle(Err(error));
    }
    // Alone in the transaction, the first needs no savepoint: undoing it is undoing everything.
    if !drive(first.run(tx)) {
        roll_back(tx);
        return first.settle(Ok(()));
    }
    let mut group = vec![first];
    let outcome = check_open(tx)
        .and_then(|()| fill(tx, &mut group, tasks))
        .and_then(|()| commit(tx));
    if let Err(error) = &outcome {
        roll_back(tx);
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, tasks = group.len(), "nothing of a group of writes could be committed");
    }
    for task in group {
        task.settle(outcome.clone());
    }
}

/// Takes in what is queued already.
fn fill(tx: &mut Tx, group: &mut Vec<Box<dyn Task>>, tasks: &Receiver<Box<dyn Task>>) -> Result<()> {
    let time_is_up = after(GROUP_TIME_MAX);
    while group.len() < GROUP_TASKS_MAX && time_is_up.is_empty() {
        let Ok(mut task) = tasks.try_recv() else { break };
        if !task.begin() {
            continue;
        }
        let added = add(tx, &mut *task);
        group.push(task);
        added?;
    }
    Ok(())
}

/// Runs `task` so that its failure undoes nothing but itself.
///
/// # Errors
/// The group as a whole is lost.
fn add(tx: &mut Tx, task: &mut dyn Task) -> Result<()> {
    control(tx, "SAVEPOINT task")?;
    let keep = drive(task.run(tx));
    check_open(tx)?;
    if !keep {
        control(tx, "ROLLBACK TO task")?;
    }
    control(tx, "RELEASE task")
}

/// Some errors, a full disk among them, make SQLite undo the whole transaction; what it held so far is lost then, and
/// what came after would be committed statement by statement.
fn check_open(tx: &Tx) -> Result<()> {
    if is_open(tx) {
        return Ok(());
    }
    Err(Error::unavailable(Trouble::Undone))
}

fn commit(tx: &Tx) -> Result<()> {
    control(tx, "COMMIT").map_err(|error| match error {
        // Constraints are checked with their statements; here an error is always about the files.
        Error::Internal(cause) => Error::Unavailable(cause),
        error => error,
    })
}

fn roll_back(tx: &Tx) {
    if !is_open(tx) {
        return;
    }
    if let Err(error) = control(tx, "ROLLBACK") {
        tracing::error!(%error, "a transaction could not be undone");
    }
}

fn is_open(tx: &Tx) -> bool {
    sqlite(tx).is_open()
}

fn control(tx: &Tx, statement: &'static str) -> Result<()> {
    sqlite(tx).control(statement)
}
