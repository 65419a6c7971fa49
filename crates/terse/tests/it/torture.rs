//! `kill -9` at random moments under load, again and again, with a reconciliation that cannot be fooled.
//!
//! Every visit carries a name of its own in its `User-Agent`, so that a click that is lost, doubled or invented is seen as
//! such. After each kill: answered visits ⊆ recorded clicks ⊆ sent visits, each once; totals equal rows; links and
//! changes that were acknowledged are in force.
//!
//! Two dozen kills are part of `make test`; `make torture` takes hundreds. `TORTURE_KILLS` and `TORTURE_SEED` set the number
//! and repeat the choices of a run; the moments of a kill are as repeatable as the machine's scheduling.

pub(crate) mod client;
mod folds;
pub(crate) mod load;
pub(crate) mod model;
mod steps;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use terse_core::{OsSeeded, Random, Seeded};

use crate::server::{Server, terse};
use load::Load;
use model::Model;

const KILLS_DEFAULT: u64 = 24;
/// A kill comes after so many answers at most.
const ANSWERS_MAX: u64 = 3_000;
/// Every so many kills, on average, the next server is killed too, while it starts and recovers.
const START_KILLED_ONE_IN: u64 = 4;
const START_KILLED_WITHIN_US: u64 = 30_000;

/// Choices that a seed decides.
pub(crate) struct Dice(pub(crate) Seeded);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&self, sides: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % sides
    }
}

pub(crate) fn setting(name: &str) -> Option<u64> {
    text_setting(name).map(|text| text.parse().expect("a whole number"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "make torture and make faults set some, and nothing else does"
)]
pub(crate) fn text_setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    OsSeeded::new().expect("randomness").fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[test]
#[expect(clippy::print_stdout, reason = "shown when the test fails: what repeats it")]
fn nothing_that_was_acknowledged_is_lost_or_doubled_by_sigkill() {
    let kills = setting("TORTURE_KILLS").unwrap_or(KILLS_DEFAULT);
    let seed = setting("TORTURE_SEED").unwrap_or_else(random_seed);
    println!("{kills} kills; to repeat: TORTURE_SEED={seed} TORTURE_KILLS={kills} make torture");
    let dice = Dice(Seeded::new(seed));
    let data = tempfile::tempdir().expect("a scratch directory");
    let mut server = Server::start(data.path());
    let mut model = Model::with_links(&server);
    for kill in 0..kills {
        let load = Load::start(&server, &model, kill, dice.roll(u64::MAX));
        let answers = 1 + dice.roll(ANSWERS_MAX);
        load.wait_for(answers);
        server.kill();
        let history = load.finish();
        let start_killed = (dice.roll(START_KILLED_ONE_IN) == 0)
            .then(|| Duration::from_micros(dice.roll(START_KILLED_WITHIN_US)));
        if let Some(after) = start_killed {
            kill_while_starting(data.path(), after);
        }
        server = Server::start(data.path());
        model.reconcile(&server, &history);
        println!(
            "kill {kill}: after {answers} answers, start killed after {start_killed:?}; {} clicks, {} links",
            model.clicks(),
            model.links().len()
        );
    }
    assert_eq!(server.stop().code(), Some(0));
    model.compare(&Server::start(data.path()));
}

/// A server that is killed at some moment between its first instruction and its first answer.
fn kill_while_starting(data_dir: &Path, after: Duration) {
    let mut command = terse();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir"])
        .arg(data_dir);
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .expect("the program was built");
    std::thread::sleep(after);
    child.kill().expect("the process is ours");
    child.wait().expect("the process is ours");
}
