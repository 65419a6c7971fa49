//! The journal's background thread: what appending must not wait for.
//!
//! It prepares segments ahead, removes shipped ones, and brings what was appended to disk.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::folder::Fate;
use super::journal::Shared;
use super::lane::{Lane, lock};

/// How soon a failed preparation is tried again.
const STARVED_RETRY: Duration = Duration::from_millis(100);
/// How often a round is made when nothing asks for one.
const IDLE_ROUND: Duration = Duration::from_secs(1);
/// How often the log may say that clicks are shed.
const SHED_WARNING_EVERY: Duration = Duration::from_secs(10);

/// Wakes the keeper.
#[derive(Debug, Default)]
pub(super) struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct SignalState {
    is_woken: bool,
    is_stopping: bool,
}

/// A segment that is shipped, waiting to be disposed of.
#[derive(Debug)]
pub(super) struct Retired {
    /// Where it is.
    pub(super) path: PathBuf,
    /// How much of the limit it takes.
    pub(super) bytes: u64,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// What the keeper remembers from round to round.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    is_starved: bool,
    is_stuck: bool,
    shed_reported: u64,
    warned_at: Option<Duration>,
}

impl Signal {
    /// Asks for a round now.
    pub(super) fn wake(&self) {
        lock(&self.state).is_woken = true;
        self.changed.notify_one();
    }

    /// Asks for a last round.
    pub(super) fn stop(&self) {
        lock(&self.state).is_stopping = true;
        self.changed.notify_one();
    }

    /// Waits until the next round is due; whether it is the last.
    fn wait(&self, at_most: Duration) -> bool {
        let state = lock(&self.state);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, at_most, |state| !state.is_woken && !state.is_stopping)
            .unwrap_or_else(PoisonError::into_inner);
        // Before the round looks at anything: what is asked for from now on gets the next one.
        state.is_woken = false;
        state.is_stopping
    }
}

/// Makes rounds until it is stopped.
pub(super) fn run(shared: &Shared) {
    loop {
        let is_starved = lock(&shared.rounds).is_starved;
        let is_last = shared.signal.wait(pause(shared.sync_interval, is_starved));
        if is_last {
            finish(shared);
            return;
        }
        // Without rounds nothing would reach the disk any more, and nobody would know.
        if std::panic::catch_unwind(AssertUnwindSafe(|| round(shared))).is_err() {
            tracing::error!("a round of the click journal's thread panicked");
        }
    }
}

fn pause(sync_interval: Duration, is_starved: bool) -> Duration {
    // With an interval of zero nothing is due by itself: whoever waits for the disk asks for a round.
    let pause = if sync_interval.is_zero() {
        IDLE_ROUND
    } else {
        sync_interval
    };
    if is_starved {
        pause.min(STARVED_RETRY)
    } else {
        pause
    }
}

/// One round. Rounds exclude one another; appending does not wait for them.
pub(super) fn round(shared: &Shared) {
    let mut rounds = lock(&shared.rounds);
    dispose_of_retired(shared, &mut rounds);
    prepare_spares(shared, &mut rounds);
    sync(shared);
    report_shed(shared, &mut rounds);
}

/// What cannot be removed, from a folder that is read-only for a while, is tried again in the next round, and takes room
/// until then. The next start would find it shipped.
fn dispose_of_retired(shared: &Shared, rounds: &mut Rounds) {
    let mut retired = std::mem::take(&mut *lock(&shared.retired));
    let mut failure = None;
    retired.retain(|Retired { path, bytes, fate }| {
        let done = shared.folder.dispose(path, *bytes, *fate);
        let is_left = done.is_err();
        failure = done.err().or(failure.take());
        is_left
    });
    match &failure {
        Some(error) if !rounds.is_stuck => {
            tracing::warn!(segments = retired.len(), %error, "shipped journal segments cannot be removed");
        }
        None if rounds.is_stuck => tracing::info!("shipped journal segments are removed again"),
        _ => {}
    }
    rounds.is_stuck = failure.is_some();
    lock(&shared.retired).append(&mut retired);
}

fn prepare_spares(shared: &Shared, rounds: &mut Rounds) {
    let mut failure = None;
    for lane in &shared.lanes {
        if let Err(error) = lane.prepare_spare(1, &shared.folder) {
            failure = Some(error);
        }
    }
    if failure.is_none() {
        prepare_second_spares(shared);
    }
    match &failure {
        Some(error) if !rounds.is_starved => {
            tracing::warn!(%error, "no room for the click journal's next segment");
        }
        None if rounds.is_starved => tracing::info!("the click journal has room again"),
        _ => {}
    }
    rounds.is_starved = failure.is_some();
}

/// A second one for each lane that is written: while the file system makes it, the first can be begun. Without room
/// for it the lane has lost nothing yet.
fn prepare_second_spares(shared: &Shared) {
    let mut written = shared.lanes.iter().filter(|lane| lane.end() > 0);
    let _ = written.try_for_each(|lane| lane.prepare_spare(2, &shared.folder));
}

fn sync(shared: &Shared) {
    for lane in &shared.lanes {
        for segment in lane.segments() {
            if let Err(error) = segment.sync() {
                shared.sync_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(path = %segment.path.display(), %error, "clicks could not be written to disk");
                // What has taken this one away may have taken those that come next.
                lane.give_up_gone_spares(&shared.folder);
            }
        }
    }
    shared.synced.notify_waiters();
}

fn report_shed(shared: &Shared, rounds: &mut Rounds) {
    let shed = shared.shed();
    let now = shared.clock.elapsed();
    let is_due = rounds
        .warned_at
        .is_none_or(|at| now.saturating_sub(at) >= SHED_WARNING_EVERY);
    if shed > rounds.shed_reported && is_due {
        tracing::warn!(
            clicks = shed - rounds.shed_reported,
            "clicks were shed: the journal cannot grow"
        );
        rounds.shed_reported = shed;
        rounds.warned_at = Some(now);
    }
}

/// Leaves only what the next start needs. Spares hold no clicks: it would read them for nothing.
fn finish(shared: &Shared) {
    dispose_of_retired(shared, &mut lock(&shared.rounds));
    sync(shared);
    let spares = |lane| std::iter::from_fn(move || Lane::take_spare(lane));
    for spare in shared.lanes.iter().flat_map(spares) {
        shared.folder.dispose_of_spare(&spare.segment);
    }
}
