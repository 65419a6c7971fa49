//! One pass of the shipper over everything that is there.

use std::sync::atomic::{AtomicBool, Ordering};

use terse_store::{ClickBatch, Position, Shipped};

use super::backlog::Backlog;
use super::batch::{Batch, Links, start_in};
use super::caught::{Panicked, caught};
use super::{Recovered, SHUTDOWN_SHIP_MAX, Shipper};
use crate::clicks::folder::Fate;
use crate::clicks::header::{HEADER_BYTES, SegmentHeader};
use crate::clicks::keeper::Retired;
use crate::clicks::lane::Lane;
use crate::clicks::leftovers::{Leftover, has_records, read};
use crate::clicks::problem::{Problem, ProblemKind};
use crate::clicks::segment::Segment;

type Result<T> = std::result::Result<T, terse_store::Error>;

impl Shipper {
    /// Ships everything that is in the journal now.
    pub(in crate::clicks) async fn ship_all(&self) -> Result<()> {
        let mut backlog = self.backlog.lock().await;
        self.ship_leftovers(&mut backlog).await?;
        for (index, lane) in self.journal.lanes().iter().enumerate() {
            self.ship_lane(&mut backlog, index, lane).await?;
        }
        Ok(())
    }

    /// The last pass, and the last sync.
    pub(super) async fn finish(&self) {
        let pass = tokio::time::timeout(SHUTDOWN_SHIP_MAX, caught(self.ship_all())).await;
        if let Ok(pass) = pass {
            self.note(pass);
        } else {
            tracing::warn!("not all clicks were shipped in time: the next start ships them");
        }
        self.journal.sync_all().await;
    }

    /// Logs when the store goes away, when it is back, and each panic. Whether everything was shipped.
    pub(super) fn note(&self, pass: std::result::Result<Result<()>, Panicked>) -> bool {
        if !matches!(pass, Ok(Ok(()))) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        let Ok(shipped) = pass else {
            tracing::error!("shipping clicks panicked, and is tried again: they wait in the journal");
            return false;
        };
        let was_away = self.is_store_away.swap(shipped.is_err(), Ordering::Relaxed);
        match &shipped {
            Err(error) if !was_away => {
                let error: &(dyn std::error::Error + 'static) = error; // logged with its causes
                tracing::warn!(error, "clicks cannot be shipped: they wait in the journal");
            }
            Ok(()) if was_away => tracing::info!("clicks are shipped again"),
            _ => {}
        }
        shipped.is_ok()
    }

    /// Ships segments of former runs, oldest first, and forgets each when it is done.
    pub(super) async fn ship_leftovers(&self, backlog: &mut Backlog) -> Result<Recovered> {
        let mut recovered = Recovered::default();
        // Taken out of the row last: a pass may be given up at any await.
        while let Some(leftover) = backlog.leftovers.front().cloned() {
            match read(&leftover.path).await {
                Ok(bytes) => {
                    self.ship_leftover(backlog, &leftover, &bytes, &mut recovered)
                        .await?;
                    backlog.leftovers.pop_front();
                }
                Err(error) => {
                    self.report(&leftover.header, ProblemKind::Unreadable(error.kind()));
                    recovered.problems += 1;
                    backlog.block_first();
                }
            }
            self.progress
                .send_modify(|progress| progress.note_leftovers(backlog));
        }
        Ok(recovered)
    }

    async fn ship_leftover(
        &self,
        backlog: &mut Backlog,
        leftover: &Leftover,
        bytes: &[u8],
        recovered: &mut Recovered,
    ) -> Result<()> {
        let header = &leftover.header;
        // Most of what a stop leaves was never written to: the store need not be asked about it.
        if has_records(bytes) {
            let (id, lane) = (header.journal_id, header.lane);
            let position = backlog.load_position(&self.store, id, lane).await?;
            let segments = backlog.succession.missing_before(header, position);
            if segments > 0 {
                self.missing_segments.fetch_add(segments, Ordering::Relaxed);
                self.report(header, ProblemKind::Missing { segments });
                recovered.problems += 1;
            }
            let segment = (header, bytes, &leftover.is_damaged);
            self.ship_segment(backlog, segment, Links::MayBeLost, recovered)
                .await?;
        } else {
            backlog.succession.pass(header);
        }
        recovered.segments += 1;
        let fate = fate(&leftover.is_damaged);
        self.journal.retire(Retired {
            path: leftover.path.clone(),
            bytes: leftover.file_bytes,
            fate,
        });
        Ok(())
    }

    async fn ship_lane(&self, backlog: &mut Backlog, index: usize, lane: &Lane) -> Result<()> {
        let segments = lane.segments();
        for (place, segment) in segments.iter().enumerate() {
            // A segment with a successor in this list was complete before its bytes are looked at here.
            let is_complete = place + 1 < segments.len();
            let mut counts = Recovered::default();
            let bytes = segment.published();
            let shipped = self
                .ship_segment(
                    backlog,
                    (&segment.header, bytes, &segment.is_damaged),
                    Links::Known,
                    &mut counts,
                )
                .await;
            let position = backlog.position(segment.header.journal_id, segment.header.lane);
            self.publish(index, lane, segment, position, counts.clicks);
            shipped?;
            if is_complete {
                lane.forget(segment.header.sequence);
                self.journal.retire(Retired {
                    path: segment.path.clone(),
                    bytes: u64::from(segment.header.segment_bytes),
                    fate: fate(&segment.is_damaged),
                });
            }
        }
        Ok(())
    }

    /// Ships `bytes`, a segment from its beginning, from the lane's position on.
    async fn ship_segment(
        &self,
        backlog: &mut Backlog,
        (header, bytes, is_damaged): (&SegmentHeader, &[u8], &AtomicBool),
        links: Links,
        counts: &mut Recovered,
    ) -> Result<()> {
        loop {
            let from = backlog.position(header.journal_id, header.lane);
            let Some(start) = start_in(header.sequence, from) else {
                return Ok(());
            };
            let batch = Batch::read(header, bytes, start, links, &mut backlog.interner);
            if batch.end == start {
                return Ok(());
            }
            let to = Position {
                segment: header.sequence,
                offset: batch.end as u64,
            };
            let clicks = batch.clicks.len() as u64;
            let shipped = self.store.ship_clicks(ClickBatch {
                journal_id: header.journal_id.to_string(),
                lane: header.lane,
                from,
                to,
                clicks: batch.clicks,
                texts: backlog.interner.finish(),
                visited: batch.visited,
            });
            let position = match shipped.await? {
                Shipped::Done => {
                    counts.clicks += clicks;
                    self.shipped_clicks.fetch_add(clicks, Ordering::Relaxed);
                    // Not before: a refused batch is read again.
                    counts.problems += batch.problems.len() as u64;
                    if let Some(offset) = batch.unfinished {
                        let file = header.file_name();
                        tracing::info!(%file, offset, "a run ended amid a record: its click was not answered, or not synced");
                    }
                    for kind in batch.problems {
                        is_damaged.store(true, Ordering::Relaxed);
                        self.report(header, kind);
                    }
                    to
                }
                Shipped::Moved(actual) => {
                    tracing::info!(
                        ?from,
                        ?actual,
                        "the store had another position of the click journal"
                    );
                    actual
                }
            };
            backlog.set_position(header.journal_id, header.lane, position);
        }
    }

    /// Tells who waits in [`Shipper::caught_up`] how far the lane is shipped.
    fn publish(&self, index: usize, lane: &Lane, segment: &Segment, position: Position, clicks: u64) {
        let base = segment.base.load(Ordering::Relaxed);
        let Some(offset) = start_in(segment.header.sequence, position) else {
            return;
        };
        let end = base + (offset - HEADER_BYTES) as u64;
        self.progress.send_if_modified(|progress| {
            let passed = &mut progress.lanes[index];
            passed.clicks += clicks;
            // A batch that the store took without our hearing of it was not counted: with nothing left, all were.
            let records = lane.records();
            if lane.end() == end {
                passed.clicks = passed.clicks.max(records);
            }
            std::mem::replace(&mut passed.bytes, end) != end
        });
    }

    fn report(&self, header: &SegmentHeader, kind: ProblemKind) {
        let file = header.file_name();
        self.journal.report(Problem { file, kind });
    }
}

fn fate(is_damaged: &AtomicBool) -> Fate {
    if is_damaged.load(Ordering::Relaxed) {
        Fate::SetAside
    } else {
        Fate::Remove
    }
}
