//! The task that writes: one transaction at a time in the whole cluster, with group commit.
//!
//! Every writer takes the same lock first. So transactions follow one another as on SQLite: nothing that is read in one
//! changes before it ends, and ids of events become visible in their order, which readers of the log and counters of the tail
//! rely on. What that costs in concurrency, group commit gives back: whatever is queued shares one transaction.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::connection;
use super::limits::{Limits, Patience};
use super::tx;
use crate::db::Tx;
use crate::error::{Error, Result, Trouble};
use crate::task::Task;

/// How many tasks a group may take in: the writers of other replicas wait for their turn meanwhile.
const GROUP_TASKS_MAX: usize = 32;
/// And for which part of a short statement's limit it does: so long the writers of other replicas wait for the lock.
const GROUP_TIME_PARTS: u32 = 4;
/// How long nothing is written after a panic: one that comes again with each write must not fill the log.
const PANIC_PAUSE: Duration = Duration::from_millis(250);
/// A replica that holds the lock and does nothing, because it was stopped or cut off, loses it after this.
const IDLE_WITHIN: Duration = Duration::from_secs(2);
/// Names the lock among others of the database: "terse" in ASCII.
pub(super) const WRITE_LOCK: i64 = 0x0074_6572_7365;
/// Names the lock that servers share as long as they listen: "served" in ASCII. Who has it alone has the database alone.
pub(super) const SERVED_LOCK: i64 = 0x7365_7276_6564;

/// A task, and how long its statements may take.
pub(super) type Waiting = (Box<dyn Task>, Patience);

/// Runs tasks until the queue is closed and empty. What a task does is caught where it is done; should anything else panic, those
/// who wait in the queue are served all the same.
pub(super) async fn run(pool: Pool, limits: Limits, mut tasks: mpsc::Receiver<Waiting>) {
    // A transaction that is given up in the middle is closed with its connection, and its tasks are answered as they are dropped.
    while AssertUnwindSafe(run_tasks(&pool, limits, &mut tasks))
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!("the task that writes to PostgreSQL panicked, and goes on with the next write");
        sleep(PANIC_PAUSE).await;
    }
}

async fn run_tasks(pool: &Pool, limits: Limits, tasks: &mut mpsc::Receiver<Waiting>) {
    let mut next = None;
    while let Some(first) = match next.take() {
        Some(first) => Some(first),
        None => next_wanted(tasks).await,
    } {
        match begin(pool, limits).await {
            Ok(tx) => next = run_group(pool, limits, Tx::Postgres(tx), first, tasks).await,
            Err(error) => {
                forget_if_unavailable(pool, &error);
                first.0.settle(Err(error));
            }
        }
    }
}

async fn next_wanted(tasks: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
    loop {
        let waiting = tasks.recv().await?;
        if waiting.0.begin() {
            return Some(waiting);
        }
    }
}

/// Gives back a task that has begun and needs a transaction of its own.
async fn run_group(
    pool: &Pool,
    limits: Limits,
    mut tx: Tx,
    first: Waiting,
    tasks: &mut mpsc::Receiver<Waiting>,
) -> Option<Waiting> {
    let mut group = Group {
        tasks: Vec::new(),
        left_over: None,
    };
    let outcome = fill(&mut tx, limits, first, &mut group, tasks).await;
    match &outcome {
        Ok(()) => give_back(tx),
        Err(error) => {
            forget_if_unavailable(pool, error);
            let cause = error.causes();
            tracing::error!(%error, cause, tasks = group.tasks.len(), "a group of writes could not be committed");
            // Dropped in the middle, the connection is closed, which undoes the transaction.
            drop(tx);
        }
    }
    for task in group.tasks {
        task.settle(outcome.clone());
    }
    group.left_over
}

/// Tasks of one transaction.
struct Group {
    tasks: Vec<Box<dyn Task>>,
    /// One that has begun and is to have a transaction of its own.
    left_over: Option<Waiting>,
}

/// Runs the first task and those that are queued already, and commits them. Who may take long is alone: others wait for a group as
/// long as for its longest task.
async fn fill(
    tx: &mut Tx,
    limits: Limits,
    first: Waiting,
    group: &mut Group,
    tasks: &mut mpsc::Receiver<Waiting>,
) -> Result<()> {
    let mut time_is_up = pin!(sleep(limits.of(Patience::Quick) / GROUP_TIME_PARTS));
    let is_alone = first.1 == Patience::Long;
    let mut next = Some(first);
    let mut end = "";
    while let Some((mut task, patience)) = next.take() {
        let added = add(tx, &mut *task, limits.of(patience), end).await;
        group.tasks.push(task);
        end = added?;
        let has_room = !is_alone && group.tasks.len() < GROUP_TASKS_MAX;
        if has_room && (&mut time_is_up).now_or_never().is_none() {
            next = next_queued(tasks);
        }
        if next
            .as_ref()
            .is_some_and(|(_, patience)| *patience == Patience::Long)
        {
            group.left_over = next.take();
        }
    }
    // What ends the last task goes with the end of the whole.
    let committed = control(tx, &format!("{end}COMMIT")).await;
    if let (Err(error), Err(_)) = (&committed, postgres(tx).opened()) {
        return Err(Error::unavailable(Trouble::Undecided(error.causes())));
    }
    committed
}

fn next_queued(tasks: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
    loop {
        let waiting = tasks.try_recv().ok()?;
        if waiting.0.begin() {
            return Some(waiting);
        }
    }
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
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}; \
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
