//! Killed in a fold: while the newest clicks are brought into sorted runs and totals, which is one transaction.
//!
//! The tail is filled up to a few blocks before a fold is due, a block for each visit that somebody reads at once. Each step
//! begins from a copy of that, so that the writing thread makes the same calls each time, and `strace` kills it in one of them.

use std::path::Path;

use terse_store::UNINDEXED_BLOCKS_DEFAULT;

use super::client::Client;
use super::load::{History, Visits};
use super::model::Model;
use super::setting;
use super::steps::{check, killed_at};
use crate::server::Server;

/// So many blocks before the fold each step begins, and goes a little beyond it.
const MARGIN_BLOCKS: u64 = 4;
const VISITS: u64 = MARGIN_BLOCKS + 3;
/// What writes the transaction. A kill in the sync behind it is no step of its own: what was written survives a kill.
const CALL: &str = "pwrite64";
/// The start and the batches before the fold take so many of them at least; the fold itself takes about fifty.
const FIRST_STEP: u64 = 60;
/// Every so many steps `make test` takes one; `make torture` takes each.
const FEW: usize = 20;

/// How far the clicks of a database are folded.
#[derive(Debug, PartialEq, Eq)]
enum Fold {
    NotDue,
    Due,
    Done,
}

impl Fold {
    fn of(data_dir: &Path) -> Self {
        let database = rusqlite::Connection::open(data_dir.join("terse.db")).expect("a database");
        let state = database.query_row(
            "SELECT indexed_through, (SELECT count(*) FROM click_blocks WHERE first_id > indexed_through) FROM click_index",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        );
        let (indexed_through, tail_blocks) = state.expect("the server has made its tables");
        if indexed_through > 0 {
            Self::Done
        } else if tail_blocks < i64::from(UNINDEXED_BLOCKS_DEFAULT) {
            Self::NotDue
        } else {
            Self::Due
        }
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "shown when the test fails, and by make torture"
)]
fn nothing_is_lost_or_counted_twice_by_a_kill_in_a_fold() {
    let is_long = setting("TORTURE_KILLS").is_some();
    let scratch = tempfile::tempdir().expect("a scratch directory");
    let before = scratch.path().join("before");
    let server = Server::start(&before);
    let model = Model::with_links(&server);
    let blocks = u64::from(UNINDEXED_BLOCKS_DEFAULT) - MARGIN_BLOCKS;
    let (visits, is_alive) = visit_and_read(&server, &model, "before", blocks);
    assert!(is_alive);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(Fold::of(&before), Fold::NotDue);

    let mut killed_in_fold = 0;
    for step in (FIRST_STEP..).step_by(if is_long { 1 } else { FEW }) {
        let data = scratch.path().join(step.to_string());
        copy(&before, &data);
        let (history, is_killed) = run_up_to(&data, &model, &visits, step);
        let fold = Fold::of(&data);
        let killed = if is_killed { "killed" } else { "not reached" };
        println!("{CALL} {step}: {killed}, fold {fold:?}");
        killed_in_fold += u64::from(is_killed && fold == Fold::Due);
        reconcile(&data, model.clone(), &history);
        std::fs::remove_dir_all(&data).expect("ours");
        // Killed behind the fold, for once.
        if fold == Fold::Done {
            break;
        }
    }
    assert!(killed_in_fold > 0, "no server was killed in a fold");
}

/// Starts a server that is killed when a thread writes for the `step`th time, and visits until then. What was visited before and
/// now, and whether the server came so far.
fn run_up_to(data_dir: &Path, model: &Model, before: &Visits, step: u64) -> (History, bool) {
    let mut history = History::default();
    history.visits.push(before.clone());
    let Some(server) = Server::spawn(&mut killed_at(data_dir, CALL, step)) else {
        return (history, true);
    };
    let (during, is_alive) = visit_and_read(&server, model, "during", VISITS);
    history.visits.push(during);
    server.kill();
    (history, !is_alive)
}

fn reconcile(data_dir: &Path, mut model: Model, history: &History) {
    let server = Server::start(data_dir);
    model.reconcile(&server, history);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(
        Fold::of(data_dir),
        Fold::Done,
        "what was interrupted is done by the next run"
    );
    check(data_dir);
}

/// Visits one link after the other, and reads the log each time, so that each visit is shipped alone; so often, unless the
/// server dies. Whether it did not.
fn visit_and_read(server: &Server, model: &Model, name: &str, times: u64) -> (Visits, bool) {
    let (mut visitor, mut reader) = (Client::of(server), Client::of(server));
    let mut visits = Visits {
        name: name.to_owned(),
        sent: 0,
        answered: 0,
    };
    for (number, link) in (0..times).zip(model.links().iter().cycle()) {
        visits.sent += 1;
        let agent = format!("{name}n{number}");
        let Some(answer) = visitor.request("GET", &format!("/{}", link.code), &agent, "") else {
            return (visits, false);
        };
        assert_eq!(answer.status, 302, "{}", link.code);
        visits.answered += 1;
        if reader.request("GET", "/events?per_page=1", "", "").is_none() {
            return (visits, false);
        }
    }
    (visits, true)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
