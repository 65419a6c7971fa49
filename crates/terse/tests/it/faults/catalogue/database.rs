//! PostgreSQL fails.

use std::time::Duration;

use super::super::session::Session;
use super::super::stage::Stage;
use super::Fault;
use crate::coherence::Stop;
use crate::torture::load::spawn;

pub(super) const ALL: [Fault; 7] = [
    ("PostgreSQL is stopped at once (immediate)", stop),
    ("PostgreSQL hangs (SIGSTOP)", hang),
    ("the table of links is locked", lock),
    ("PostgreSQL's connections are used up", use_up_connections),
    (FULL_DISK, fill_disk),
    ("PostgreSQL is read-only", read_only),
    (
        "PostgreSQL's primary is killed, its standby is promoted",
        fail_over,
    ),
];

/// Needs a disk that can be filled.
pub(in super::super) const FULL_DISK: &str = "PostgreSQL's disk is full";
/// So many more than the server takes.
const SESSIONS: usize = 220;
const TAKE_AGAIN_AFTER: Duration = Duration::from_millis(1);
const CLOSE_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long an operator takes to see that the primary is gone.
const NOTICED_AFTER: Duration = Duration::from_secs(3);

fn stop(stage: &mut Stage<'_>) {
    stage.cluster.shell("postgres_stop postgres-1 immediate");
    stage.lasts();
    stage.cluster.shell("postgres_start postgres-1");
}

fn hang(stage: &mut Stage<'_>) {
    stage.cluster.shell("postgres_signal_all postgres-1 STOP");
    stage.lasts();
    stage.cluster.shell("postgres_signal_all postgres-1 CONT");
}

fn lock(stage: &mut Stage<'_>) {
    let mut session = Session::begin(stage.cluster.postgres()).expect("the primary is well");
    session
        .say("BEGIN; LOCK TABLE links IN ACCESS EXCLUSIVE MODE")
        .expect("it waits for statements under way only");
    stage.begins();
    stage.lasts();
}

/// Takes every connection that there is, again and again, and has those of terse closed.
fn use_up_connections(stage: &mut Stage<'_>) {
    let server = stage.cluster.postgres();
    let mut first = Session::begin(server).expect("the primary is well");
    let stop = Stop::default();
    let (taking, closing) = (stop.clone(), stop.clone());
    stage.begins();
    let taker = spawn(move || {
        let mut sessions = Vec::new();
        while !taking.is_told() {
            match Session::begin(server) {
                Ok(session) if sessions.len() < SESSIONS => sessions.push(session),
                _ => std::thread::sleep(TAKE_AGAIN_AFTER),
            }
        }
    });
    let closer = spawn(move || {
        while !closing.is_told() {
            first
                .say(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'terse'",
                )
                .expect("it has a connection");
            std::thread::sleep(CLOSE_AGAIN_AFTER);
        }
    });
    stage.lasts();
    stop.tell();
    for thread in [taker, closer] {
        thread.join().expect("it only asks");
    }
}

fn fill_disk(stage: &mut Stage<'_>) {
    stage.cluster.shell("disk_fill");
    stage.begins();
    stage.lasts();
    stage.cluster.shell("disk_free");
}

fn read_only(stage: &mut Stage<'_>) {
    stage.cluster.shell("postgres_read_only postgres-1 on");
    stage.lasts();
    stage.cluster.shell("postgres_read_only postgres-1 off");
}

fn fail_over(stage: &mut Stage<'_>) {
    stage.cluster.shell("part_kill postgres-1");
    std::thread::sleep(NOTICED_AFTER);
    stage.ends();
    stage.cluster.shell("postgres_fail_over");
}
