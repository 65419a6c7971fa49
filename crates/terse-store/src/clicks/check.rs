//! What is wrong with blocks, runs and totals, a sentence each. Reads everything once, a few blocks at a time.

use std::collections::HashMap;

use super::block::Block;
use super::blocks;
use super::postings::{self, Kind, Posting, Run};
use crate::db::{Row, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::totals;

statements! {
    COUNT_ROWS_BETWEEN = "SELECT count(*) FROM events WHERE id >= $1 AND id <= $2";
    COUNT_ROWS = "SELECT link_id, count(*) FROM events WHERE is_counted AND link_id >= $1 GROUP BY link_id \
                  ORDER BY link_id LIMIT 1000";
    FIND_LAST_ID = "SELECT last_id FROM event_sequence";
}

/// The sum of a set's postings, of which none can be lost, added or changed without changing it, but by intent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digest {
    entries: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, (subject, id): Posting) {
        let mixed = (subject.cast_unsigned() ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(id.cast_unsigned() | 1);
        self.entries += 1;
        self.sum = self
            .sum
            .wrapping_add(mixed.rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ mixed);
    }
}

/// At most `problems_max` problems.
pub(crate) async fn problems(tx: &mut Tx, problems_max: usize) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut expected = HashMap::new();
    let runs = postings::list_runs(tx, 0).await?;
    let mut digests = vec![[Digest::default(); Kind::ALL.len()]; runs.len()];
    let indexed_through = blocks::indexed_through(tx).await?;
    let mut behind = 0;
    loop {
        let some = blocks::list(tx, behind).await?;
        if some.is_empty() {
            break;
        }
        for raw in &some {
            let block = raw.read();
            let rows = count_rows_between(tx, &block).await?;
            if block.first_id <= behind || rows > 0 {
                problems.push(format!(
                    "clicks from id {} on overlap with other events",
                    block.first_id
                ));
            }
            behind = block.last_id();
            if behind <= indexed_through {
                block
                    .counted_links()
                    .for_each(|link| *expected.entry(link).or_default() += 1);
            }
            note(&block, indexed_through, &runs, &mut digests, &mut problems);
        }
    }
    let last_id = tx.query_one(&FIND_LAST_ID, &[], |row| row.int(0)).await?;
    if behind > last_id {
        problems.push(format!(
            "clicks have ids up to {behind}, but the next to be given is {}",
            last_id + 1
        ));
    }
    for (run, digests) in runs.iter().zip(digests) {
        check_run(tx, *run, digests, &mut problems).await?;
    }
    count_rows(tx, &mut expected).await?;
    check_totals(tx, expected, &mut problems).await?;
    problems.truncate(problems_max);
    Ok(problems)
}

/// Adds a block's clicks to the run that must have them.
fn note(
    block: &Block<'_>,
    indexed_through: i64,
    runs: &[Run],
    digests: &mut [[Digest; 2]],
    problems: &mut Vec<String>,
) {
    let place = runs.partition_point(|run| run.last_id < block.first_id);
    let run = runs
        .get(place)
        .filter(|run| run.first_id <= block.first_id && block.last_id() <= run.last_id);
    if run.is_some() != (block.last_id() <= indexed_through) {
        problems.push(format!(
            "clicks from id {} on are not indexed as they should be",
            block.first_id
        ));
        return;
    }
    if run.is_some() {
        let [by_link, by_owner] = &mut digests[place];
        block
            .links()
            .zip(block.ids())
            .for_each(|posting| by_link.add(posting));
        let owned = block.owners().zip(block.ids()).filter(|(owner, _)| *owner != 0);
        owned.for_each(|posting| by_owner.add(posting));
    }
}

async fn check_run(tx: &mut Tx, run: Run, expected: [Digest; 2], problems: &mut Vec<String>) -> Result<()> {
    for (kind, expected) in Kind::ALL.into_iter().zip(expected) {
        let postings = postings::load(tx, run, kind).await?;
        let mut digest = Digest::default();
        for posting in &postings {
            digest.add(*posting);
        }
        if !postings.is_sorted() || digest != expected {
            problems.push(format!(
                "the index of clicks {} to {} by {} is not that of the clicks",
                run.first_id,
                run.last_id,
                match kind {
                    Kind::Link => "link",
                    Kind::Owner => "owner",
                }
            ));
        }
    }
    Ok(())
}

async fn check_totals(
    tx: &mut Tx,
    mut expected: HashMap<i64, i64>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let (totals, last) = totals::list(tx, after).await?;
        for (link, total) in totals {
            let events = expected.remove(&link).unwrap_or(0);
            if total != events {
                problems.push(wrong_total(link, total, events));
            }
        }
        let Some(last) = last else { break };
        after = last;
    }
    let mut without: Vec<_> = expected.into_iter().collect();
    without.sort_unstable();
    problems.extend(
        without
            .into_iter()
            .map(|(link, events)| wrong_total(link, 0, events)),
    );
    Ok(())
}

fn wrong_total(link: i64, total: i64, events: i64) -> String {
    format!("link {link} has a total of {total} clicks, but {events} events")
}

async fn count_rows_between(tx: &mut Tx, block: &Block<'_>) -> Result<i64> {
    let params = [block.first_id.into(), block.last_id().into()];
    tx.query_one(&COUNT_ROWS_BETWEEN, &params, |row| row.int(0)).await
}

async fn count_rows(tx: &mut Tx, expected: &mut HashMap<i64, i64>) -> Result<()> {
    let mut from = Some(i64::MIN);
    while let Some(first) = from {
        let counts = tx
            .query(&COUNT_ROWS, &[first.into()], |row: &Row<'_>| {
                Ok((row.int(0)?, row.int(1)?))
            })
            .await?;
        from = counts.last().and_then(|(last, _)| last.checked_add(1));
        for (link, count) in counts {
            *expected.entry(link).or_default() += count;
        }
    }
    Ok(())
}
