//! Folding: brings the tail into the runs and the totals, so that it stays short, and joins what is small.
//!
//! Everything that takes time is done on one consistent state, outside of the writer; then one short transaction puts
//! the result in place, unless somebody else has folded meanwhile.

use super::block::{self, BLOCK_CLICKS_MAX, StoredClick, count_of};
use super::blocks::{self, RawBlock};
use super::postings::{self, Chunk, Kind, Run};
use super::radix;
use crate::db::{Db, Read, Tx};
use crate::error::{Error, Result, Trouble};
use crate::pace::Pace;
use crate::sql::statements;
use crate::store::Store;
use crate::totals::{self, Clicks};

/// Clicks in the tail that make it due to be folded: bounds what a reader of a link's clicks looks through.
pub(crate) const TAIL_CLICKS_MAX: i64 = 1 << 18;
/// A run does not grow beyond this by taking in others, which are a little larger than [`TAIL_CLICKS_MAX`]: what is folded at
/// once fits in memory.
const RUN_CLICKS_MAX: i64 = 5 * TAIL_CLICKS_MAX;
/// What a block costs here, and how many comparisons cost as much as a step, in the terms of [`Pace`].
const BLOCK_STEPS: u32 = 256;
const COMPARISONS_PER_STEP: u32 = 32;

statements! {
    MOVE = "UPDATE click_index SET indexed_through = $2 WHERE indexed_through = $1";
}

/// What is to be put in place.
#[derive(Debug, Default)]
struct Fold {
    from: i64,
    through: i64,
    /// Whether the tail ends there.
    is_last: bool,
    /// Blocks that others take the place of, and those.
    joined: Vec<i64>,
    joins: Vec<RawBlock>,
    /// Runs that the new one takes in.
    absorbed: Vec<Run>,
    run: Option<Run>,
    chunks: Vec<(Kind, Vec<Chunk>)>,
    totals: Clicks,
}

impl Store {
    /// Waits until there is something for [`Self::fold_if_due`] to do.
    pub async fn until_fold_is_due(&self) {
        self.tail.until_due().await;
    }

    /// Indexes the latest clicks by link and owner, once there are many of them. Waits for whoever does it already.
    ///
    /// What comes of it is nothing that a caller could do better with: the clicks are stored and seen in any case. Failures
    /// are logged, and it is due again when as many clicks have come as made it due.
    pub async fn fold_if_due(&self) {
        let _only_one = self.tail.folding.lock().await;
        if self.tail.wants_measure()
            && let Err(error) = self.measure_tail().await
        {
            warn(&error);
        }
        if !self.tail.is_due() {
            return;
        }
        self.tail.begin();
        if let Err(error) = fold(&self.db).await {
            warn(&error);
        }
    }

    /// How much a former run of the program has left.
    async fn measure_tail(&self) -> Result<()> {
        let count = self.db.read(Read::Point, |tx| {
            Box::pin(async move {
                let from = blocks::indexed_through(tx).await?;
                blocks::count(tx, from).await
            })
        });
        let (blocks, clicks) = count.await?;
        self.tail
            .grow(blocks.max(0).unsigned_abs(), clicks.max(0).unsigned_abs());
        Ok(())
    }
}

fn warn(error: &Error) {
    let error: &(dyn std::error::Error + 'static) = error;
    tracing::warn!(
        error,
        "the latest clicks are not indexed yet; it is tried again when more have come"
    );
}

/// Folds the tail, a long one in several steps.
async fn fold(db: &Db) -> Result<()> {
    loop {
        let fold = db.read(Read::Scan, |tx| Box::pin(prepare(tx))).await?;
        let is_last = fold.is_last;
        if fold.run.is_some() {
            db.write(move |tx| Box::pin(async move { put_in_place(tx, &fold).await }))
                .await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn prepare(tx: &mut Tx) -> Result<Fold> {
    let from = blocks::indexed_through(tx).await?;
    let mut fold = Fold {
        from,
        through: from,
        ..Fold::default()
    };
    let (mut by_link, mut by_owner) = (Vec::new(), Vec::new());
    let mut counted = Vec::new();
    let (mut joiner, mut pace) = (Joiner::default(), Pace::default());
    loop {
        let tail = blocks::list(tx, fold.through).await?;
        let Some(last) = tail.last() else {
            fold.is_last = true;
            break;
        };
        fold.through = last.read().last_id();
        for raw in tail {
            let block = raw.read();
            by_link.extend(block.links().zip(block.ids()));
            by_owner.extend(block.owners().zip(block.ids()).filter(|(owner, _)| *owner != 0));
            counted.extend(block.counted_links().zip(block.ids()));
            joiner.take(&raw, &mut fold);
            // A block takes about as long as so many of its clicks would on their way here.
            (0..BLOCK_STEPS).for_each(|_| pace.step());
        }
        if count_of(by_link.len()) >= RUN_CLICKS_MAX {
            break;
        }
    }
    joiner.finish(&mut fold);
    let Some((_, first_id)) = by_link.first().copied() else {
        return Ok(fold);
    };
    radix::sort_by_subject(&mut counted, &mut pace);
    fold.totals = counted
        .chunk_by(|one, other| one.0 == other.0)
        .map(|of| (of[0].0, count_of(of.len())))
        .collect();
    radix::sort_by_subject(&mut by_link, &mut pace);
    radix::sort_by_subject(&mut by_owner, &mut pace);
    let mut run = Run {
        first_id,
        last_id: fold.through,
        clicks: count_of(by_link.len()),
    };
    fold.absorbed = absorbed(&postings::list_runs(tx, 0).await?, run.clicks);
    for absorbed in &fold.absorbed {
        run.first_id = run.first_id.min(absorbed.first_id);
        run.clicks += absorbed.clicks;
        by_link.extend(postings::load(tx, *absorbed, Kind::Link).await?);
        by_owner.extend(postings::load(tx, *absorbed, Kind::Owner).await?);
    }
    // What is damaged stays as it is, for the check to find: a merge would hide it.
    if count_of(by_link.len()) != run.clicks {
        return Err(Error::internal(Trouble::Damaged("click_runs.clicks")));
    }
    let mut comparisons = 0_u32;
    for (kind, mut postings) in [(Kind::Link, by_link), (Kind::Owner, by_owner)] {
        // Stable, because that finds and merges what is sorted: the new ones, and each run that is absorbed.
        postings.sort_by(|one, other| {
            comparisons += 1;
            if comparisons.is_multiple_of(COMPARISONS_PER_STEP) {
                pace.step();
            }
            one.cmp(other)
        });
        if !postings::are_ascending(&postings) {
            return Err(Error::internal(Trouble::Damaged("click_postings or click_index")));
        }
        fold.chunks.push((kind, postings::chunks(&postings)));
    }
    fold.run = Some(run);
    Ok(fold)
}

/// The youngest of `runs` that a new one of `clicks` takes in: none that is larger than what it has so far, so that each
/// posting is written again as often as its run doubles.
fn absorbed(runs: &[Run], mut clicks: i64) -> Vec<Run> {
    let young_first = runs.iter().rev();
    let absorbed = young_first.take_while(|run| {
        let together = clicks.saturating_add(run.clicks);
        let fits = run.clicks <= clicks && together <= RUN_CLICKS_MAX;
        clicks = together;
        fits
    });
    absorbed.copied().collect()
}

async fn put_in_place(tx: &mut Tx, fold: &Fold) -> Result<()> {
    let moved = tx
        .execute(&MOVE, &[fold.from.into(), fold.through.into()])
        .await?;
    let (Some(run), true) = (fold.run, moved > 0) else {
        return Ok(()); // somebody else has done it
    };
    for absorbed in &fold.absorbed {
        postings::delete_run(tx, *absorbed).await?;
    }
    postings::insert_run(tx, run).await?;
    for (kind, chunks) in &fold.chunks {
        postings::insert(tx, run, *kind, chunks).await?;
    }
    blocks::delete(tx, &fold.joined).await?;
    blocks::insert(tx, &fold.joins).await?;
    totals::add(tx, &fold.totals).await
}

/// Joins neighbouring blocks that are not full.
#[derive(Debug, Default)]
struct Joiner {
    first_ids: Vec<i64>,
    clicks: Vec<StoredClick>,
}

impl Joiner {
    /// Takes the next block; none whose ids do not follow those of the last one.
    fn take(&mut self, raw: &RawBlock, fold: &mut Fold) {
        let block = raw.read();
        if raw.clicks > count_of(BLOCK_CLICKS_MAX / 2) {
            self.finish(fold);
            return; // large enough
        }
        let next_id = self.first_ids.first().map(|id| id + count_of(self.clicks.len()));
        let follows = next_id.is_none_or(|id| id == raw.first_id);
        let room = count_of(BLOCK_CLICKS_MAX.saturating_sub(self.clicks.len()));
        if !follows || raw.clicks > room {
            self.finish(fold);
        }
        // Nothing can be joined to a full one, which most are: it need not be unpacked.
        if raw.clicks == count_of(BLOCK_CLICKS_MAX) {
            return;
        }
        self.first_ids.push(raw.first_id);
        self.clicks.extend(block.ids().map(|id| block.click(id)));
    }

    fn finish(&mut self, fold: &mut Fold) {
        let joined = std::mem::take(&mut self.first_ids);
        let clicks = std::mem::take(&mut self.clicks);
        // A block alone stays as it is.
        if let [first_id, _, ..] = joined[..] {
            fold.joins.push(RawBlock {
                first_id,
                clicks: count_of(clicks.len()),
                body: block::body(&clicks),
            });
            fold.joined.extend(joined);
        }
    }
}

#[cfg(test)]
mod tests;
