//! What only shows from inside: statements, plans, groups, panics, full queues.

use tempfile::TempDir;
use tokio::sync::oneshot::Receiver as Answer;

use super::*;
use crate::db;
use crate::error::Conflict;
use crate::sql::{ALL, Sql};
use crate::task::Task;

static INSERT: Sql = Sql::both(
    "tests::INSERT",
    "INSERT INTO users (username, email, email_key, created_at) VALUES ($1, $1, $1, 0)",
);
static COUNT: Sql = Sql::both("tests::COUNT", "SELECT count(*) FROM users");
static UNDO_ALL: Sql = Sql::both("tests::UNDO_ALL", "ROLLBACK");
static CHECK_AT_COMMIT: Sql = Sql::both("tests::CHECK_AT_COMMIT", "PRAGMA defer_foreign_keys = ON");
static ORPHAN: Sql = Sql::both(
    "tests::ORPHAN",
    "INSERT INTO links (user_id, short_code, original_url, search_text, is_active, version, created_at, updated_at) \
     VALUES (404, 'orphan', '', '', FALSE, 1, 0, 0)",
);

/// Statements that may walk over a table: checks of everything, and tables of a few rows.
const WALKERS: [&str; 10] = [
    "maintenance::TOUCH",
    "clicks::blocks::FIND_INDEXED_THROUGH",
    "clicks::check::COUNT_ROWS",
    "clicks::check::FIND_LAST_ID",
    "clicks::check::FIND_ORPHAN",
    "clicks::fold::MOVE",
    "events::sequence::SKIP_TO",
    "events::sequence::TAKE",
    "migrations::LIST_APPLIED",
    "links::FIND_HIGHEST_ID",
];

struct Database {
    folder: TempDir,
    tx: db::Tx,
}

fn database() -> Database {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("terse.sqlite");
    let options = StoreOptions::new(&path);
    let tx = worker::open_alone(&path, &options).expect("an empty folder");
    Database { folder, tx }
}

impl Database {
    fn sqlite(&mut self) -> &mut Tx {
        match &mut self.tx {
            db::Tx::Sqlite(tx) => tx,
            db::Tx::Postgres(_) => unreachable!("made by `database`"),
        }
    }

    fn users(&mut self) -> i64 {
        let count = self.sqlite().query_opt(&COUNT, &[], |row| row.int(0));
        count.expect("an answer").expect("a row")
    }

    /// Runs `jobs` as they are run when all of them were queued while the writer was busy.
    fn run_as_one_group(&mut self, jobs: Vec<Job<()>>) -> Vec<Result<()>> {
        let (queues, tasks) = queues();
        let answers: Vec<Answer<Result<()>>> = jobs
            .into_iter()
            .map(|job| {
                let (answer, answered) = oneshot::channel();
                let task: Box<dyn Task> = Box::new(Pending::new(job, answer));
                queues.writes.send(task).expect("an open queue");
                answered
            })
            .collect();
        drop(queues);
        writer::run(&mut self.tx, &tasks.writes);
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.blocking_recv().expect("every task is answered"))
            .collect()
    }
}

fn insert(username: &'static str) -> Job<()> {
    Box::new(move |tx| Box::pin(async move { tx.execute(&INSERT, &[username.into()]).await.map(drop) }))
}

fn insert_then_panic(username: &'static str) -> Job<()> {
    Box::new(move |tx| {
        Box::pin(async move {
            tx.execute(&INSERT, &[username.into()]).await?;
            panic!("on purpose")
        })
    })
}

fn insert_then_fail(username: &'static str) -> Job<()> {
    Box::new(move |tx| {
        Box::pin(async move {
            tx.execute(&INSERT, &[username.into()]).await?;
            Err(Error::Conflict(Conflict::LinkId))
        })
    })
}

fn execute(statements: Vec<&'static Sql>) -> Job<()> {
    Box::new(move |tx| {
        Box::pin(async move {
            for sql in statements {
                tx.execute(sql, &[]).await?;
            }
            Ok(())
        })
    })
}

fn is_unavailable(outcome: &Result<()>) -> bool {
    matches!(outcome, Err(Error::Unavailable(_)))
}

#[test]
fn every_statement_is_one_that_sqlite_understands() {
    let mut database = database();
    for sql in ALL.iter().copied().flatten() {
        if let Err(error) = database.sqlite().check(sql) {
            panic!("{}: {error:?}\n{}", sql.name(), sql.for_sqlite());
        }
    }
}

#[test]
fn no_statement_walks_over_a_table_or_sorts_one() {
    let mut database = database();
    for sql in ALL.iter().copied().flatten() {
        let plan = plan(database.sqlite(), sql);
        let may_walk = WALKERS.iter().any(|walker| sql.name().ends_with(walker));
        // Has one row.
        let plan = plan.replace("SCAN event_sequence", "");
        let is_direct = !plan.contains("SCAN ") && !plan.contains("TEMP B-TREE");
        assert!(is_direct || may_walk, "{}: {plan}", sql.name());
    }
}

fn plan(tx: &Tx, sql: &Sql) -> String {
    let mut statement = tx
        .connection()
        .prepare(&format!("EXPLAIN QUERY PLAN {}", sql.for_sqlite()))
        .expect("a statement");
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().expect("a row") {
        plan.push_str(&row.get::<_, String>(3).expect("a text"));
        plan.push('\n');
    }
    plan
}

#[test]
fn a_task_that_fails_undoes_nothing_but_itself() {
    for (first, second) in [
        (insert_then_fail("a"), insert("b")),
        (insert("b"), insert_then_fail("a")),
        (insert_then_panic("a"), insert("b")),
        (insert("b"), insert_then_panic("a")),
    ] {
        let mut database = database();
        let outcomes = database.run_as_one_group(vec![first, second, insert("c"), insert("c")]);
        let kept: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), 2, "{outcomes:?}");
        assert!(kept[2], "{outcomes:?}");
        assert!(matches!(outcomes[3], Err(Error::Conflict(_))), "{outcomes:?}");
        assert_eq!(database.users(), 2);
    }
}

#[test]
fn a_panic_is_an_internal_error_that_keeps_its_message() {
    let outcome = database()
        .run_as_one_group(vec![insert_then_panic("a")])
        .remove(0);
    let Err(Error::Internal(cause)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(cause.to_string(), "a transaction panicked: on purpose");
}

#[test]
fn a_commit_that_fails_fails_all_that_it_held() {
    let mut database = database();
    let orphan = execute(vec![&CHECK_AT_COMMIT, &ORPHAN]);
    let outcomes = database.run_as_one_group(vec![insert("a"), orphan, insert("a"), insert("b")]);
    // The third too: the name that it found taken is free again.
    assert!(outcomes.iter().all(is_unavailable), "{outcomes:?}");
    assert_eq!(database.users(), 0);

    let outcomes = database.run_as_one_group(vec![insert("a")]);
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
}

#[test]
fn a_group_that_the_database_undid_is_never_acknowledged() {
    let mut database = database();
    let outcomes = database.run_as_one_group(vec![insert("a"), execute(vec![&UNDO_ALL]), insert("b")]);
    assert!(is_unavailable(&outcomes[0]), "{outcomes:?}");
    assert!(is_unavailable(&outcomes[1]), "{outcomes:?}");
    assert!(outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(database.users(), 1);

    let outcomes = database.run_as_one_group(vec![execute(vec![&UNDO_ALL]), insert("c")]);
    assert!(is_unavailable(&outcomes[0]), "{outcomes:?}");
    assert!(outcomes[1].is_ok(), "{outcomes:?}");
}

#[test]
fn a_locked_database_is_unavailable_until_it_is_free() {
    let mut database = database();
    database
        .sqlite()
        .connection()
        .busy_timeout(std::time::Duration::ZERO)
        .expect("an open connection");
    let other = rusqlite::Connection::open(database.folder.path().join("terse.sqlite")).expect("a file");
    other.execute_batch("BEGIN IMMEDIATE").expect("a free file");
    let outcomes = database.run_as_one_group(vec![insert("a")]);
    assert!(is_unavailable(&outcomes[0]), "{outcomes:?}");
    other.execute_batch("ROLLBACK").expect("a transaction");
    let outcomes = database.run_as_one_group(vec![insert("a")]);
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
}

#[test]
fn what_nobody_waits_for_is_not_done() {
    let mut database = database();
    let (queues, tasks) = queues();
    let names = ["a", "b", "c"];
    let mut answers: Vec<_> = names
        .map(|name| {
            let (answer, answered) = oneshot::channel();
            let task: Box<dyn Task> = Box::new(Pending::new(insert(name), answer));
            queues.writes.send(task).expect("an open queue");
            Some(answered)
        })
        .into();
    answers[0] = None;
    answers[2] = None;
    drop(queues);
    writer::run(&mut database.tx, &tasks.writes);
    assert_eq!(database.users(), 1);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (queues, tasks) = queues();
    let (ended, _) = watch::channel(());
    let sqlite = Sqlite {
        queues: RwLock::new(Some(queues)),
        ended,
    };
    for _ in 0..SCANS_WAITING_MAX {
        let (answer, _) = oneshot::channel();
        let task: Box<dyn Task> = Box::new(Pending::new(insert("a"), answer));
        sqlite.enqueue(task, |queues| &queues.scans).expect("room");
    }
    let refused = sqlite.read(Read::Scan, insert("a")).await.expect_err("no room");
    let Error::Unavailable(cause) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(cause.to_string(), "too many requests wait for the database");

    drop(tasks);
    let refused = sqlite
        .read(Read::Point, insert("a"))
        .await
        .expect_err("nobody there");
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
}

#[test]
fn readers_cannot_write() {
    let database = database();
    let path = database.folder.path().join("terse.sqlite");
    let mut reader = Tx::new(connection::open_reader(&path).expect("a file"));
    let refused = reader.execute(&INSERT, &["a".into()]).expect_err("read-only");
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
}
