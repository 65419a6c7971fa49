//! Killed in each step: instead of at a random moment, the server dies when one of its threads is about to write, sync,
//! make, rename or remove a file for the N-th time. So it dies between append, ship, commit, checkpoint, fold and the
//! removal of a segment, and while it starts and recovers.
//!
//! `strace` kills it before the system does what was asked. A few steps of each kind are part of `make test`; `make torture`
//! takes one after the other until no thread comes so far.

use std::path::Path;
use std::process::Command;

use super::load::{History, Load};
use super::model::Model;
use super::setting;
use crate::server::{Server, serve_within, terse};

/// What changes files, and which times of it `make test` takes. A dozen of the first ones are in the start.
const STEPS: [(&str, &[u64]); 6] = [
    ("pwrite64", &[3, 16, 200]),
    ("fsync", &[4, 9, 14]),
    ("rename", &[1, 3]),
    ("unlink", &[1, 2]),
    ("ftruncate", &[2]),
    ("fallocate", &[2, 4]),
];
/// A server that has given so many answers without coming to the step does not come to it.
const ANSWERS_MAX: u64 = 6_000;
/// Makes a click's record so long that a segment is full after a thousand.
const TARGET_BYTES_MORE: usize = 8_000;
/// `make torture` takes every step up to this one, then ever fewer.
const EVERY_STEP_UP_TO: u64 = 40;
const STEP_MAX: u64 = 2_000;

#[test]
#[expect(
    clippy::print_stdout,
    reason = "shown when the test fails, and by make torture"
)]
fn nothing_that_was_acknowledged_is_lost_or_doubled_by_a_kill_in_any_step() {
    let is_long = setting("TORTURE_KILLS").is_some();
    let data = tempfile::tempdir().expect("a scratch directory");
    let server = Server::start(data.path());
    let mut model = Model::with_long_links(&server, TARGET_BYTES_MORE);
    assert_eq!(server.stop().code(), Some(0));
    let mut round = 0;
    for (call, few) in STEPS {
        let mut killed_in = 0;
        let steps = if is_long { all_steps() } else { few.to_vec() };
        for step in steps {
            round += 1;
            let (history, is_killed) = run_up_to(data.path(), &model, round, call, step);
            let server = Server::start(data.path());
            model.reconcile(&server, &history);
            assert_eq!(server.stop().code(), Some(0));
            check(data.path());
            println!(
                "{call} {step}: {}, {} clicks",
                if is_killed { "killed" } else { "not reached" },
                model.clicks()
            );
            if !is_killed {
                break;
            }
            killed_in += 1;
        }
        assert!(
            killed_in > 0,
            "no server was killed in {call}: strace must be allowed to trace (ptrace), or the test shows nothing"
        );
    }
}

fn all_steps() -> Vec<u64> {
    let next = |step: &u64| Some(step + 1 + step.saturating_sub(EVERY_STEP_UP_TO) / 8);
    std::iter::successors(Some(1), next)
        .take_while(|step| *step <= STEP_MAX)
        .collect()
}

/// Starts a server that is killed when a thread makes `call` for the `step`th time, and lets clients work until then. What
/// they did, and whether it came so far.
fn run_up_to(data_dir: &Path, model: &Model, round: u64, call: &str, step: u64) -> (History, bool) {
    let Some(server) = Server::spawn(&mut killed_at(data_dir, call, step)) else {
        return (History::default(), true);
    };
    let load = Load::start(&server, model, round, round);
    let is_past = load.wait_for_or_for_death(ANSWERS_MAX);
    server.kill();
    (load.finish(), !is_past)
}

pub(super) fn killed_at(data_dir: &Path, call: &str, step: u64) -> Command {
    let mut strace = Command::new("strace");
    // As a grandchild, so that the server is the child that is signalled and waited for.
    strace
        .args(["-D", "-f", "--quiet=all", "--output=/dev/null"])
        .arg(format!("--trace={call}"))
        .arg(format!("--inject={call}:signal=KILL:when={step}"));
    serve_within(strace, data_dir)
}

pub(super) fn check(data_dir: &Path) {
    let output = terse()
        .args(["check", "--data-dir"])
        .arg(data_dir)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
}
