//! A thread that reads: each task sees one state of the database, the newest when it began.
//!
//! Tasks never share a transaction here: a task that was queued after a commit must see that commit.

use crossbeam_channel::{Receiver, select};

use super::Tasks;
use super::drive::drive;
use super::sqlite;
use crate::db::Tx;
use crate::error::Result;
use crate::task::Task;

/// Runs tasks until the queues are closed and empty. With `takes_scans` off, a list or search of seconds never
/// stands between a visitor and the lookup of a code.
pub(super) fn run(mut tx: Tx, tasks: &Tasks, takes_scans: bool) {
    if !takes_scans {
        run_all(&mut tx, &tasks.points);
        return;
    }
    loop {
        let task = select! {
            recv(tasks.points) -> task => task,
            recv(tasks.scans) -> task => task,
        };
        match task {
            Ok(task) => run_one(&mut tx, task),
            Err(_) => break,
        }
    }
    // Both queues are closed together; either may still hold tasks.
    run_all(&mut tx, &tasks.points);
    run_all(&mut tx, &tasks.scans);
}

fn run_all(tx: &mut Tx, tasks: &Receiver<Box<dyn Task>>) {
    for task in tasks {
        run_one(tx, task);
    }
}

fn run_one(tx: &mut Tx, mut task: Box<dyn Task>) {
    if !task.begin() {
        return;
    }
    let begun = control(tx, "BEGIN");
    if begun.is_ok() {
        drive(task.run(tx));
        end(tx);
    }
    task.settle(begun);
}

fn end(tx: &Tx) {
    if let Err(error) = sqlite(tx).control("ROLLBACK") {
        tracing::debug!(%error, "the read transaction had ended by itself");
    }
}

fn control(tx: &Tx, statement: &'static str) -> Result<()> {
    sqlite(tx).control(statement)
}
