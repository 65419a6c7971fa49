//! What links were before they changed: an event of a click names the link and its version, not the texts.
//!
//! Invariant: for every version that a click may name, the smallest `link_versions` row of the link at or above it has
//! the code and the target of that time, or there is none and the link's own row has. So whoever changes one of the two, or
//! removes the link, keeps them here first; and a link never gets a version a second time.

use terse_core::Link;

use crate::clicks::VisitedLink;
use crate::db::{Param, Row, Tx};
use crate::error::Result;
use crate::sql::statements;

statements! {
    KEEP = "INSERT INTO link_versions (link_id, version, short_code, original_url) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (link_id, version) DO NOTHING";
    FIND_KEPT = "SELECT version, short_code, original_url FROM link_versions WHERE link_id = $1 AND version >= $2 \
            ORDER BY version LIMIT 1";
    FIND_PRESENT = "SELECT version, short_code, original_url FROM links WHERE id = $1";
    RAISE = "UPDATE links SET version = $2 WHERE id = $1";
}

/// More changes than a link can have seen since the backup. A link that turns out to be older than its clicks goes on from so
/// far above them that its versions meet no others which are still to be shipped.
const LOST_VERSIONS_MAX: i64 = 1 << 20;

/// A link's code and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) short_code: String,
    pub(crate) original_url: String,
}

/// Keeps what `link` is, at `version`.
pub(crate) async fn keep(tx: &mut Tx, link: &Link, version: i64) -> Result<()> {
    let texts = (link.short_code.as_str(), link.original_url.as_str());
    keep_texts(tx, (link.id.get(), version), texts).await
}

/// What a link was at `version`; `None` if nobody knows.
pub(crate) async fn find(tx: &mut Tx, link_id: i64, version: i64) -> Result<Option<Texts>> {
    let kept = tx
        .query_opt(&FIND_KEPT, &[link_id.into(), version.into()], decode)
        .await?;
    let found = match kept {
        Some(kept) => Some(kept),
        None => tx.query_opt(&FIND_PRESENT, &[link_id.into()], decode).await?,
    };
    Ok(found.map(|(_, texts)| texts))
}

/// Makes sure that the versions in `visited`, all of one link, are what they were when they were visited: a database that
/// was restored from a backup has not seen the link's last changes, or not the link.
///
/// They may come in any order, for each lane of the journal has its own leftovers. So each gets a row of its own, even
/// where the next higher one says the same for now: what comes later may change that one.
pub(crate) async fn restore(tx: &mut Tx, visited: &[VisitedLink]) -> Result<()> {
    let (Some(first), Some(newest)) = (visited.first(), visited.iter().map(|link| link.version).max()) else {
        return Ok(());
    };
    let link_id = first.link_id.get();
    let present = tx.query_opt(&FIND_PRESENT, &[link_id.into()], decode).await?;
    for link in visited {
        if present
            .as_ref()
            .is_none_or(|(version, _)| *version != link.version)
        {
            let texts = (&*link.short_code, &*link.original_url);
            keep_texts(tx, (link_id, link.version), texts).await?;
        }
    }
    if let Some((version, texts)) = present.filter(|(version, _)| *version < newest) {
        keep_texts(tx, (link_id, version), (&texts.short_code, &texts.original_url)).await?;
        let beyond = newest.saturating_add(LOST_VERSIONS_MAX);
        tx.execute(&RAISE, &[link_id.into(), beyond.into()]).await?;
    }
    Ok(())
}

async fn keep_texts(
    tx: &mut Tx,
    (link_id, version): (i64, i64),
    (short_code, original_url): (&str, &str),
) -> Result<()> {
    let params: [Param<'_>; 4] = [
        link_id.into(),
        version.into(),
        short_code.into(),
        original_url.into(),
    ];
    tx.execute(&KEEP, &params).await.map(drop)
}

fn decode(row: &Row<'_>) -> Result<(i64, Texts)> {
    let texts = Texts {
        short_code: row.text(1)?,
        original_url: row.text(2)?,
    };
    Ok((row.int(0)?, texts))
}
