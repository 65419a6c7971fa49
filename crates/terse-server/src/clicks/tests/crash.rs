//! A process that is killed while it records clicks.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

const FOLDER_VARIABLE: &str = "TERSE_TEST_CRASH_FOLDER";
const ENOUGH: usize = 3_000;

/// Not a test: the process that is killed. Says each click's number once it is recorded.
#[test]
#[ignore = "run by the test below, in a process of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test process has no other way to be told its folder"
)]
fn appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER_VARIABLE) else {
        return;
    };
    let options = JournalOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        ..JournalOptions::new(folder.into(), 1)
    };
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let journal = Journal::open(options, clock, Arc::new(Seeded::new(1))).expect("a journal");
    let mut out = std::io::stdout().lock();
    for number in 0.. {
        journal.append(&click(number)).expect("there is room");
        writeln!(out, "\nrecorded {number}").expect("somebody listens");
    }
}

#[tokio::test]
async fn a_killed_process_loses_no_click_that_it_had_answered() {
    let site = Site::new();
    let program = std::env::current_exe().expect("this test's program");
    let mut child = Command::new(program)
        .args(["--exact", "clicks::tests::crash::appends_until_it_is_killed"])
        .args(["--ignored", "--nocapture"])
        .env(FOLDER_VARIABLE, site.journal_path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut answered = Vec::new();
    for line in output.lines() {
        let line = line.expect("text");
        answered.extend(
            line.strip_prefix("recorded ")
                .and_then(|number| number.parse::<i64>().ok()),
        );
        if answered.len() == ENOUGH {
            child.kill().expect("it was running");
        }
    }
    child.wait().expect("it is dead");
    assert!(answered.len() >= ENOUGH, "it died too early: {}", answered.len());

    let store = site.store().await;
    let journal = site.journal();
    let shipper = Shipper::new(Arc::clone(&journal), store.clone());
    shipper.recover().await.expect("the store is there");
    let recorded = stored(&store).await;
    let last = i64::try_from(recorded.len()).expect("few");
    assert_eq!(recorded, numbers(0..last), "each once");
    assert!(
        recorded.len() >= answered.len(),
        "{} of {}",
        recorded.len(),
        answered.len()
    );
    assert_eq!(journal.problems(), [], "a killed process tears nothing");
}
