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

/// Makes sure that the versions in `visited`, all of one link and in order, are what they were when they were visited: a
/// database that was restored from a backup has not seen the link's last changes, or not the link.
pub(crate) async fn restore(tx: &mut Tx, visited: &[VisitedLink]) -> Result<()> {
    let (Some(first), Some(last)) = (visited.first(), visited.last()) else {
        return Ok(());
    };
    let link_id = first.link_id.get();
    let present = tx.query_opt(&FIND_PRESENT, &[link_id.into()], decode).await?;
    let known_through = match &present {
        Some((version, _)) => *version,
        None => i64::MIN,
    };
    if last.version <= known_through {
        return Ok(());
    }
    if let Some((version, texts)) = &present {
        keep_texts(tx, (link_id, *version), (&texts.short_code, &texts.original_url)).await?;
        // Beyond what was visited: later changes must not give these versions to other texts.
        let beyond = last.version.saturating_add(1);
        tx.execute(&RAISE, &[link_id.into(), beyond.into()]).await?;
    }
    for link in visited.iter().filter(|link| link.version > known_through) {
        let is_kept = present.is_none() && find(tx, link_id, link.version).await?.is_some();
        if !is_kept {
            keep_texts(
                tx,
                (link_id, link.version),
                (&link.short_code, &link.original_url),
            )
            .await?;
        }
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
