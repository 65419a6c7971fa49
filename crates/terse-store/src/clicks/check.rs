//! What is wrong with blocks, runs and totals, a sentence each. Reads everything once, a few blocks at a time.

mod digest;
mod known;

use std::collections::HashMap;

use super::block::{Block, count_of};
use super::blocks;
use super::postings::{self, Kind, Run};
use crate::db::{Row, Tx};
use crate::error::{Error, Result};
use crate::sql::statements;
use crate::totals;

use digest::Digest;
use known::Known;

statements! {
    COUNT_ROWS_BETWEEN = "SELECT count(*) FROM events WHERE id >= $1 AND id <= $2";
    COUNT_ROWS = "SELECT link_id, count(*) FROM events WHERE is_counted AND link_id >= $1 GROUP BY link_id \
                  ORDER BY link_id LIMIT 1000";
    FIND_LAST_ID = "SELECT last_id FROM event_sequence";
    FIND_LAST_ROW = "SELECT id FROM events WHERE id > 0 ORDER BY id DESC LIMIT 1";
    FIND_ORPHAN = "SELECT run_id FROM click_postings \
                   WHERE NOT EXISTS (SELECT 1 FROM click_runs WHERE click_runs.first_id = run_id) LIMIT 1";
}

/// The sentences, up to a number of them: more would say nothing new.
#[derive(Debug)]
struct Report {
    problems: Vec<String>,
    problems_max: usize,
}

/// What the blocks say that runs and totals must be.
#[derive(Debug)]
struct Expected {
    indexed_through: i64,
    /// The last click of all.
    last_id: i64,
    /// Nothing if they could not be read.
    runs: Option<Vec<Run>>,
    /// For each of the runs, by the order of [`Kind::ALL`].
    digests: Vec<[Digest; 2]>,
    totals: HashMap<i64, i64>,
    /// Whether all blocks could be read: otherwise the rest is bound to differ.
    is_whole: bool,
}

/// At most `problems_max` problems.
pub(crate) async fn problems(tx: &mut Tx, problems_max: usize) -> Result<Vec<String>> {
    let mut report = Report {
        problems: Vec::new(),
        problems_max,
    };
    let indexed_through = blocks::indexed_through(tx).await;
    let nowhere = "nothing says how far clicks are indexed";
    if let Some(indexed_through) = report.take(indexed_through, nowhere)? {
        check(tx, indexed_through, &mut report).await?;
    }
    Ok(report.problems)
}

async fn check(tx: &mut Tx, indexed_through: i64, report: &mut Report) -> Result<()> {
    let runs = list_runs(tx, report).await?;
    let mut expected = Expected {
        indexed_through,
        last_id: 0,
        digests: vec![[Digest::default(); 2]; runs.as_ref().map_or(0, Vec::len)],
        runs,
        totals: HashMap::new(),
        is_whole: true,
    };
    check_blocks(tx, &mut expected, report).await?;
    check_sequence(tx, &expected, report).await?;
    if expected.is_whole {
        check_runs(tx, &expected, report).await?;
        check_totals(tx, expected.totals, report).await?;
    }
    Ok(())
}

/// Nothing if not every row can be read.
async fn list_runs(tx: &mut Tx, report: &mut Report) -> Result<Option<Vec<Run>>> {
    let listed = postings::list_runs_readable(tx).await?;
    for (first_id, run) in &listed {
        if run.is_none() {
            report.add(|| format!("the row of the index of clicks from id {first_id} on cannot be read"));
        }
    }
    Ok(listed.into_iter().map(|(_, run)| run).collect())
}

async fn check_blocks(tx: &mut Tx, expected: &mut Expected, report: &mut Report) -> Result<()> {
    let mut known = Known::default();
    let mut after = 0;
    loop {
        let some = blocks::list_readable(tx, after).await?;
        let Some((last, _)) = some.last() else {
            return Ok(());
        };
        after = *last;
        for (first_id, raw) in some {
            let Some(raw) = raw else {
                report.add(|| format!("the clicks from id {first_id} on cannot be read"));
                expected.is_whole = false;
                continue;
            };
            let block = raw.read();
            if first_id <= expected.last_id || count_rows_between(tx, &block).await? > 0 {
                report.add(|| format!("clicks from id {first_id} on overlap with other events"));
            }
            expected.add(&block, report);
            known.check(tx, &block, report).await?;
        }
    }
}

/// No event may have an id that will be given to another one.
async fn check_sequence(tx: &mut Tx, expected: &Expected, report: &mut Report) -> Result<()> {
    let given = tx.query_one(&FIND_LAST_ID, &[], |row| row.int(0)).await;
    let Some(given) = report.take(given, "nothing says which event ids were given")? else {
        return Ok(());
    };
    let last_row = tx.query_opt(&FIND_LAST_ROW, &[], |row| row.int(0)).await?;
    let last = expected.last_id.max(last_row.unwrap_or(0));
    if given == i64::MAX {
        report.add(|| "no event can be stored any more: the highest id was given".to_owned());
    }
    if last > given {
        report.add(|| format!("events have ids up to {last}, but only {given} were given"));
    }
    Ok(())
}

async fn check_runs(tx: &mut Tx, expected: &Expected, report: &mut Report) -> Result<()> {
    for (run, digests) in expected.runs.iter().flatten().zip(&expected.digests) {
        for (kind, digest) in Kind::ALL.into_iter().zip(digests) {
            let name = kind.name();
            let whose = format!(
                "the index of clicks {} to {} by {name}",
                run.first_id, run.last_id
            );
            let postings = postings::load(tx, *run, kind).await;
            let Some(postings) = report.take(postings, &format!("{whose} cannot be read"))? else {
                continue;
            };
            if Digest::of(&postings) != *digest {
                report.add(|| format!("{whose} is not that of the clicks"));
            }
            if kind == Kind::Link && count_of(postings.len()) != run.clicks {
                report.add(|| {
                    format!(
                        "{whose} has {} clicks, but its row says {}",
                        postings.len(),
                        run.clicks
                    )
                });
            }
        }
    }
    let orphan = tx.query_opt(&FIND_ORPHAN, &[], |row| row.int(0)).await?;
    if let Some(run_id) = orphan {
        report.add(|| format!("there is an index of clicks from {run_id} on that is in no list"));
    }
    Ok(())
}

async fn check_totals(tx: &mut Tx, mut expected: HashMap<i64, i64>, report: &mut Report) -> Result<()> {
    count_rows(tx, &mut expected).await?;
    let mut after = i64::MIN;
    let mut unreadable = Vec::new();
    loop {
        let chunks = totals::list_readable(tx, after).await?;
        let Some((last, _)) = chunks.last() else { break };
        after = *last;
        for (number, totals) in chunks {
            let Some(totals) = totals else {
                report.add(|| format!("the totals in chunk {number} cannot be read"));
                unreadable.push(number);
                continue;
            };
            for (link, total) in totals {
                let events = expected.remove(&link).unwrap_or(0);
                if total != events {
                    report.add(|| wrong_total(link, total, events));
                }
            }
        }
    }
    let mut without: Vec<_> = expected
        .into_iter()
        .filter(|(link, _)| !unreadable.contains(&totals::chunk_of(*link)))
        .collect();
    without.sort_unstable();
    for (link, events) in without {
        report.add(|| wrong_total(link, 0, events));
    }
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

impl Report {
    fn add(&mut self, problem: impl FnOnce() -> String) {
        if self.problems.len() < self.problems_max {
            self.problems.push(problem());
        }
    }

    /// What could be read; what this program cannot have written is a problem.
    fn take<T>(&mut self, read: Result<T>, problem: &str) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(Error::Internal(_)) => {
                self.add(|| problem.to_owned());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Expected {
    /// Adds a block's clicks to the run that must have them, and to the totals.
    fn add(&mut self, block: &Block<'_>, report: &mut Report) {
        let (first_id, last_id) = (block.first_id, block.last_id());
        self.last_id = self.last_id.max(last_id);
        let is_indexed = last_id <= self.indexed_through;
        if is_indexed {
            block
                .counted_links()
                .for_each(|link| *self.totals.entry(link).or_default() += 1);
        }
        let Some(runs) = &self.runs else { return };
        let place = runs.partition_point(|run| run.last_id < first_id);
        let run = runs
            .get(place)
            .filter(|run| run.first_id <= first_id && last_id <= run.last_id);
        if run.is_some() != is_indexed {
            report.add(|| format!("clicks from id {first_id} on are not indexed as they should be"));
            return;
        }
        if is_indexed && let Some([by_link, by_owner]) = self.digests.get_mut(place) {
            block
                .links()
                .zip(block.ids())
                .for_each(|posting| by_link.add(posting));
            let owned = block.owners().zip(block.ids()).filter(|(owner, _)| *owner != 0);
            owned.for_each(|posting| by_owner.add(posting));
        }
    }
}
