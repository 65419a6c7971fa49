//! The task that writes: one transaction at a time in the whole cluster, with group commit.
//!
//! Every writer takes the same lock first. So transactions follow one another as on SQLite: nothing that is read in one
//! changes before it ends, and ids of events become visible in their order, which readers of the log and counters of the tail
//! rely on. What that costs in concurrency, group commit gives back: whatever is queued shares one transaction.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::sync::mpsc;

use super::connection;
use super::limits::{Limits, Patience};
use super::tx;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::task::Task;

/// How many tasks a group may take in: the writers of other replicas wait for their turn meanwhile.
const GROUP_TASKS_MAX: usize = 32;
/// A replica that holds the lock and does nothing, because it was stopped or cut off, loses it after this.
const IDLE_WITHIN: Duration = Duration::from_secs(2);
/// Names the lock among others of the database: "terse" in ASCII.
pub(super) const WRITE_LOCK: i64 = 0x0074_6572_7365;

/// A task, and how long its statements may take.
pub(super) type Waiting = (Box<dyn Task>, Patience);

/// Runs tasks until the queue is closed and empty.
pub(super) async fn run(pool: Pool, limits: Limits, mut tasks: mpsc::Receiver<Waiting>) {
    while let Some(first) = tasks.recv().await {
        if !first.0.begin() {
            continue;
        }
        match begin(&pool, limits).await {
            Ok(tx) => run_group(&pool, limits, Tx::Postgres(tx), first, &mut tasks).await,
            Err(error) => {
                forget_if_unavailable(&pool, &error);
                first.0.settle(Err(error));
            }
        }
    }
}

async fn run_group(
    pool: &Pool,
    limits: Limits,
    mut tx: Tx,
    first: Waiting,
    tasks: &mut mpsc::Receiver<Waiting>,
) {
    let mut group = Vec::new();
    let outcome = fill(&mut tx, limits, first, &mut group, tasks).await;
    match &outcome {
        Ok(()) => give_back(tx),
        Err(error) => {
            forget_if_unavailable(pool, error);
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, tasks = group.len(), "nothing of a group of writes could be committed");
            // Dropped in the middle, the connection is closed, which undoes the transaction.
            drop(tx);
        }
    }
    for task in group {
        task.settle(outcome.clone());
    }
}

/// Runs the first task and those that are queued already, and commits them.
async fn fill(
    tx: &mut Tx,
    limits: Limits,
    first: Waiting,
    group: &mut Vec<Box<dyn Task>>,
    tasks: &mut mpsc::Receiver<Waiting>,
) -> Result<()> {
    let mut next = Some(first);
    let mut end = "";
    while let Some((mut task, patience)) = next.take() {
        let added = add(tx, &mut *task, limits.of(patience), end).await;
        group.push(task);
        end = added?;
        while group.len() < GROUP_TASKS_MAX
            && next.is_none()
            && let Ok(waiting) = tasks.try_recv()
        {
            next = Some(waiting).filter(|(task, _)| task.begin());
        }
    }
    // What ends the last task goes with the end of the whole.
    control(tx, &format!("{end}COMMIT")).await
}

/// Runs `task` so that its failure undoes nothing but itself. What ended the task before it is sent with its first statement, and
/// what ends this one is given back: a way to the server and back is most of what a short statement costs.
///
/// # Errors
/// The group as a whole is lost.
async fn add(
    tx: &mut Tx,
    task: &mut dyn Task,
    limit: Duration,
    end_of_last: &'static str,
) -> Result<&'static str> {
    let limit_ms = limit.as_millis();
    let opening = format!("{end_of_last}SAVEPOINT task; SET LOCAL statement_timeout = {limit_ms}");
    postgres(tx).open_with(opening, limit);
    let keep = task.run(tx).await;
    Ok(match (postgres(tx).opened()?, keep) {
        (false, _) => end_of_last, // it needed no statement
        (true, true) => "RELEASE task; ",
        (true, false) => "ROLLBACK TO task; RELEASE task; ",
    })
}

/// A transaction that no other writer of the database has one beside.
pub(super) async fn begin(pool: &Pool, limits: Limits) -> Result<tx::Tx> {
    let limit = limits.of(Patience::Quick);
    let mut tx = tx::Tx::between(connection::get(pool).await?, limit);
    tx.control(&format!(
        "BEGIN; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}; \
         SELECT pg_advisory_xact_lock({WRITE_LOCK})",
        limit.as_millis(),
        IDLE_WITHIN.as_millis(),
    ))
    .await?;
    Ok(tx)
}

/// Gives back the connection of a transaction that was ended.
pub(super) fn give_back(tx: Tx) {
    if let Tx::Postgres(tx) = tx {
        tx.release();
    }
}

/// After an error that a new connection may not meet, all are made anew: the server may have become a standby.
fn forget_if_unavailable(pool: &Pool, error: &Error) {
    if matches!(error, Error::Unavailable(_)) {
        connection::forget_idle(pool);
    }
}

pub(super) async fn control(tx: &mut Tx, text: &str) -> Result<()> {
    postgres(tx).control(text).await
}

fn postgres(tx: &mut Tx) -> &mut tx::Tx {
    match tx {
        Tx::Postgres(tx) => tx,
        Tx::Sqlite(_) => unreachable!("made by `begin`"),
    }
}
