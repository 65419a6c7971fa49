//! The click journal: where a click is put before its redirect is answered.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use terse_core::{Clock, Random};
use tokio::sync::Notify;

use super::folder::Folder;
use super::header::JournalId;
use super::keeper::{self, Retired, Rounds, Signal};
use super::lane::{Appended, Lane, NoRoom, lock};
use super::leftovers::Found;
use super::options::{JournalError, JournalOptions, LANES_MAX};
use super::problem::{Problem, ProblemKind};
use super::record::{ClickRecord, Payload};
use super::segment::{NotSynced, Segment};

/// The most problems that are kept for reports; all of them are logged.
const PROBLEMS_MAX: usize = 1000;

thread_local! {
    /// Which lane this thread appends to, modulo the number of lanes. Belongs to the thread, not to a journal: a
    /// lookup per journal would cost the hot path more than two journals in one process, which only tests have.
    static THREAD_NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The click was not recorded: the journal is at its limit, or no file can be made. The redirect goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the click journal cannot grow")]
pub struct Shed;

/// How far each lane is written, in bytes of records since the start of this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends(pub(super) Box<[u64]>);

/// What the journal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalStats {
    /// Clicks appended by this run.
    pub appended: u64,
    /// Clicks that were not recorded.
    pub shed: u64,
    /// Those of them for which the disk had no room; the others came when the journal had the size that it may have.
    pub shed_by_disk: u64,
    /// Segment files of this run, prepared ones included.
    pub segments: usize,
    /// Segments that the disk refused to sync.
    pub sync_failures: u64,
    /// Bytes that segments take on disk, prepared ones included.
    pub disk_bytes: u64,
    /// The most bytes they may take.
    pub disk_bytes_max: u64,
}

/// An open journal. Closing (dropping) it brings everything to disk; whatever is not shipped stays for the next
/// start.
pub struct Journal {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
    next_thread: AtomicUsize,
    found: Mutex<Found>,
    problems: Mutex<Vec<Problem>>,
}

/// What the journal shares with its keeper.
pub(super) struct Shared {
    pub(super) folder: Folder,
    pub(super) lanes: Box<[Lane]>,
    pub(super) sync_interval: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) signal: Signal,
    pub(super) rounds: Mutex<Rounds>,
    pub(super) retired: Mutex<Vec<Retired>>,
    /// Told after each round that brought segments to disk.
    pub(super) synced: Notify,
    pub(super) sync_failures: AtomicU64,
    /// By reason.
    shed: [AtomicU64; NoRoom::ALL.len()],
}

impl Journal {
    /// Opens the journal in `options.dir`: looks for what former runs left, prepares a segment for every lane, and
    /// starts the background thread. Bad files and a full disk do not stop it; clicks are shed until there is room.
    ///
    /// Nobody else may use the folder meanwhile: the caller holds the data directory's lock.
    pub fn open(
        options: JournalOptions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, JournalError> {
        let lanes = options.lanes.clamp(1, LANES_MAX);
        let segment_bytes = options.segment_bytes_for(lanes)?;
        let mut found = options.prepare_folder()?;
        let problems = std::mem::take(&mut found.problems);
        let leftover_bytes = found.leftovers.iter().map(|leftover| leftover.file_bytes).sum();
        let shared = Arc::new(Shared {
            folder: Folder::new(
                options.dir,
                JournalId::generate(&*clock, &*random),
                segment_bytes,
                options.max_bytes,
                leftover_bytes,
                random,
            ),
            lanes: (0..).take(lanes).map(Lane::new).collect(),
            sync_interval: options.sync_interval,
            clock,
            signal: Signal::default(),
            rounds: Mutex::default(),
            retired: Mutex::default(),
            synced: Notify::new(),
            sync_failures: AtomicU64::new(0),
            shed: Default::default(),
        });
        keeper::round(&shared);
        let keeper = start_keeper(&shared)?;
        let journal = Self {
            shared,
            keeper: Some(keeper),
            next_thread: AtomicUsize::new(0),
            found: Mutex::new(found),
            problems: Mutex::default(),
        };
        for problem in problems {
            journal.report(problem);
        }
        Ok(journal)
    }

    /// Records a click. When this returns, it survives the end of this process; [`Self::synced`] tells when it
    /// survives the end of the machine. Makes no system call and waits for nobody, except when a segment is full.
    pub fn append(&self, click: &ClickRecord<'_>) -> Result<Appended, Shed> {
        let shared = &*self.shared;
        let appended = self.lane().append(Payload::of(click), &shared.folder);
        let appended = appended.map_err(|reason| {
            shared.shed[reason as usize].fetch_add(1, Ordering::Relaxed);
            Shed
        })?;
        if appended.began_segment {
            shared.signal.wake(); // another spare is wanted
        }
        Ok(appended)
    }

    /// Whether [`Self::synced`] is to be awaited before a redirect is answered.
    pub fn syncs_before_answer(&self) -> bool {
        self.shared.sync_interval.is_zero()
    }

    /// Waits until what was appended is on disk. One `fdatasync` serves everybody who waits.
    pub async fn synced(&self, appended: Appended) -> Result<(), NotSynced> {
        loop {
            let mut round = std::pin::pin!(self.shared.synced.notified());
            // Before looking: a round that ends between the look and the wait is then not missed.
            round.as_mut().enable();
            let segments = self.lane_numbered(appended.lane).segments();
            let is_its = |segment: &&Arc<Segment>| segment.header.sequence == appended.sequence;
            match segments.iter().find(is_its) {
                Some(segment) if !segment.is_synced(appended.offset)? => {}
                // On disk; or shipped and gone, and then the store has it.
                _ => return Ok(()),
            }
            self.shared.signal.wake();
            round.await;
        }
    }

    /// Brings everything appended so far to disk. What the disk refuses is logged.
    pub async fn sync_all(&self) {
        for lane in &self.shared.lanes {
            if let Some(last) = lane.last() {
                // An error was logged by the keeper.
                let _ = self.synced(last).await;
            }
        }
    }

    /// How far the lanes are written now: every click that was answered before this call is within.
    pub fn ends(&self) -> Ends {
        Ends(self.shared.lanes.iter().map(Lane::end).collect())
    }

    /// What was counted since the start.
    pub fn stats(&self) -> JournalStats {
        JournalStats {
            appended: self.shared.lanes.iter().map(Lane::records).sum(),
            shed: self.shared.shed(),
            shed_by_disk: self.shared.shed[NoRoom::Disk as usize].load(Ordering::Relaxed),
            segments: self.shared.lanes.iter().map(Lane::files).sum(),
            sync_failures: self.shared.sync_failures.load(Ordering::Relaxed),
            disk_bytes: self.shared.folder.used_bytes(),
            disk_bytes_max: self.shared.folder.bytes_max,
        }
    }

    /// Why clicks are shed just now, by some threads at least, if they are.
    pub fn starved(&self) -> Option<NoRoom> {
        self.shared.lanes.iter().find_map(Lane::starved)
    }

    /// What could not be read in the journal's files: found when it was opened, or since by the shipper. At most
    /// the first thousand.
    pub fn problems(&self) -> Vec<Problem> {
        lock(&self.problems).clone()
    }

    /// All lanes, by number.
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.shared.lanes
    }

    /// Hands over what former runs left; the second call gives nothing.
    pub(super) fn take_leftovers(&self) -> Found {
        std::mem::take(&mut lock(&self.found))
    }

    /// Records and logs a problem.
    pub(super) fn report(&self, problem: Problem) {
        match problem.kind {
            ProblemKind::Unreadable(_) => tracing::error!(
                %problem,
                "a file of the click journal could not be read: it and the later segments of its lane wait for the \
                 next start. Make it readable and restart, or move it away to give up its clicks"
            ),
            ProblemKind::Missing { .. } => tracing::error!(%problem, "a part of the click journal is gone"),
            _ => tracing::error!(%problem, "a part of the click journal could not be read"),
        }
        let mut problems = lock(&self.problems);
        if problems.len() < PROBLEMS_MAX {
            problems.push(problem);
        }
    }

    /// Lets the keeper dispose of a segment that was read to its end.
    pub(super) fn retire(&self, retired: Retired) {
        lock(&self.shared.retired).push(retired);
        self.shared.signal.wake();
    }

    /// The keeper's side, for tests that make its rounds themselves or keep it from making one.
    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn lane(&self) -> &Lane {
        let number = THREAD_NUMBER.get().unwrap_or_else(|| {
            let next = self.next_thread.fetch_add(1, Ordering::Relaxed);
            THREAD_NUMBER.set(Some(next));
            next
        });
        &self.shared.lanes[number % self.shared.lanes.len()]
    }

    fn lane_numbered(&self, number: u32) -> &Lane {
        let lane = self.shared.lanes.iter().find(|lane| lane.number() == number);
        lane.expect("lanes are numbered without gaps and never go")
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.signal.stop();
        if let Some(keeper) = self.keeper.take()
            && keeper.join().is_err()
        {
            tracing::error!("the click journal's thread has panicked");
        }
    }
}

impl Shared {
    pub(super) fn shed(&self) -> u64 {
        self.shed.iter().map(|shed| shed.load(Ordering::Relaxed)).sum()
    }
}

fn start_keeper(shared: &Arc<Shared>) -> Result<JoinHandle<()>, JournalError> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new()
        .name("click-journal".to_owned())
        .spawn(move || keeper::run(&shared))
        .map_err(JournalError::Thread)
}
