//! Links: finding, listing and creating them. Changing them is in [`change`].

pub(crate) mod change;
pub(crate) mod versions;

use std::sync::Arc;

use terse_core::{
    Link, LinkFilter, LinkId, NewLink, Page, PageRequest, SearchText, ShortCode, Timestamp, UserId,
};

use crate::bus::{self, AsOf};
use crate::clicks::tail::TailCounts;
use crate::db::{Param, Read, Row, Tx};
use crate::error::Result;
use crate::sql::statements;
use crate::store::Store;
use crate::{events, totals, users};

pub use change::Updated;

/// What a redirect needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectRow {
    /// Names the link.
    pub id: LinkId,
    /// Who its clicks are recorded for.
    pub owner: Option<UserId>,
    /// Where it leads, as it was given.
    pub original_url: String,
    /// Whether it redirects.
    pub is_active: bool,
    /// Which state of the link this is.
    pub version: i64,
    /// When it was read: decides which of two copies is newer.
    pub as_of: AsOf,
}

/// What came of creating a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// There it is.
    Link(Link),
    /// Nothing was created: its owner does not exist.
    NoSuchUser,
}

/// The columns that [`decode`] expects.
macro_rules! columns {
    () => {
        "id, user_id, short_code, original_url, title, is_active, version, created_at, updated_at"
    };
}

/// A page of those links to which `$condition` applies too.
macro_rules! list {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM links WHERE id > $1 AND ",
            $condition,
            "(is_active = $4 OR $4 IS NULL) AND (search_text LIKE $5 ESCAPE '\\' OR $5 IS NULL) \
             ORDER BY id LIMIT $2 OFFSET $3"
        )
    };
}

statements! {
    FIND_REDIRECT = "SELECT id, user_id, original_url, is_active, version, (SELECT last_id FROM event_sequence) \
                     FROM links WHERE short_code = $1";
    FIND_HIGHEST_ID = "SELECT highest_id FROM link_sequence";
    FIND = concat!("SELECT ", columns!(), " FROM links WHERE id = $1");
    LIST = list!("");
    LIST_OF_USER = list!("user_id = $6 AND ");
    INSERT = "INSERT INTO links (user_id, short_code, original_url, title, search_text, is_active, version, \
              created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) RETURNING id, version";
    // The id may have been that of a link that is gone, whose versions must stay its own.
    INSERT_WITH_ID = "INSERT INTO links (user_id, short_code, original_url, title, search_text, is_active, version, \
              created_at, updated_at, id) VALUES ($1, $2, $3, $4, $5, $6, \
              1 + COALESCE((SELECT max(version) FROM link_versions WHERE link_id = $9), 0), $7, $8, $9) RETURNING id, version";
}

/// See [`Store::highest_link_id`].
pub(crate) async fn highest_link_id(tx: &mut Tx) -> Result<i64> {
    let highest = tx.query_opt(&FIND_HIGHEST_ID, &[], |row| row.int(0)).await?;
    Ok(highest.unwrap_or(0))
}

impl Store {
    /// What the redirect of `code` needs; one lookup in an index.
    pub async fn find_redirect(&self, code: &ShortCode) -> Result<Option<RedirectRow>> {
        let code = code.clone();
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move {
                    tx.query_opt(&FIND_REDIRECT, &[code.as_str().into()], decode_redirect)
                        .await
                })
            })
            .await
    }

    /// The highest id that a link ever had, 0 when there never was one: an upper bound of the number of links that
    /// costs nothing to know.
    pub async fn highest_link_id(&self) -> Result<i64> {
        self.db
            .read(Read::Point, |tx| Box::pin(highest_link_id(tx)))
            .await
    }

    /// Creates a link, and appends its `created` event.
    ///
    /// # Errors
    /// [`crate::Conflict::ShortCode`], or [`crate::Conflict::LinkId`] if the link brings its id along.
    pub async fn create_link(&self, link: NewLink) -> Result<Created> {
        let old_clicks = match link.id {
            Some(id) => Some(self.count_clicks_of(id).await?),
            None => None,
        };
        let created = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(owner) = link.owner
                        && !users::exists(tx, owner).await?
                    {
                        return Ok((Created::NoSuchUser, 0));
                    }
                    let (id, version) = insert(tx, &link).await?;
                    events::append_created(tx, id.get(), &link).await?;
                    let click_count = match old_clicks {
                        Some(clicks) => clicks,
                        // Events may have named a new id before; no redirect has.
                        None => totals::load(tx, std::iter::once(id.get())).await?.iter().sum(),
                    };
                    let as_of = bus::announce(tx, [&link.short_code]).await?;
                    Ok((Created::Link(created(link, id, version, click_count)), as_of))
                })
            })
            .await?;
        if let (Created::Link(link), as_of) = &created {
            self.tell_made(link, *as_of);
        }
        Ok(self.changed(created))
    }

    /// The link with this id.
    pub async fn find_link(&self, id: LinkId) -> Result<Option<Link>> {
        let tail = Arc::clone(&self.tail);
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move {
                    let mut link = find(tx, id).await?;
                    count_clicks(tx, &tail.counts, link.as_mut_slice()).await?;
                    Ok(link)
                })
            })
            .await
    }

    /// Links by id.
    pub async fn list_links(&self, filter: LinkFilter, page: PageRequest) -> Result<Page<Link>> {
        let tail = Arc::clone(&self.tail);
        self.db
            .read(Read::Scan, move |tx| {
                Box::pin(async move {
                    let mut rows = list(tx, &filter, &page).await?;
                    count_clicks(tx, &tail.counts, &mut rows).await?;
                    Ok(Page::from_rows(rows, &page))
                })
            })
            .await
    }
}

/// What a link is that was inserted just now.
fn created(link: NewLink, id: LinkId, version: i64, click_count: i64) -> Link {
    Link {
        id,
        owner: link.owner,
        short_code: link.short_code,
        original_url: link.target.original().to_owned(),
        title: link.title.map(|title| title.as_str().to_owned()),
        is_active: link.is_active,
        click_count,
        version,
        created_at: link.created_at,
        updated_at: link.updated_at,
    }
}

/// Inserts the row; its id and version.
pub(crate) async fn insert(tx: &mut Tx, link: &NewLink) -> Result<(LinkId, i64)> {
    let title = link.title.as_ref().map(terse_core::Title::as_str);
    let search_text = search_text(link.target.original(), title);
    let params: [Param<'_>; 9] = [
        link.owner.map(UserId::get).into(),
        link.short_code.as_str().into(),
        link.target.original().into(),
        title.into(),
        (&search_text).into(),
        link.is_active.into(),
        link.created_at.as_millis().into(),
        link.updated_at.as_millis().into(),
        link.id.map(LinkId::get).into(),
    ];
    match link.id {
        Some(_) => tx.query_one(&INSERT_WITH_ID, &params, decode_inserted).await,
        None => tx.query_one(&INSERT, &params[..8], decode_inserted).await,
    }
}

/// Fills in how often each of `links` was clicked. In reading transactions only: see [`TailCounts`].
async fn count_clicks(tx: &mut Tx, tail: &TailCounts, links: &mut [Link]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = links.iter().map(|link| link.id.get()).collect();
    let counts = click_counts(tx, tail, &ids).await?;
    for (link, count) in links.iter_mut().zip(counts) {
        link.click_count = count;
    }
    Ok(())
}

/// How often the links with these ids were clicked. In reading transactions only: see [`TailCounts`].
pub(crate) async fn click_counts(tx: &mut Tx, tail: &TailCounts, ids: &[i64]) -> Result<Vec<i64>> {
    let totals = totals::load(tx, ids.iter().copied()).await?;
    let in_tail = tail.of(tx, ids).await?;
    Ok(totals
        .into_iter()
        .zip(in_tail)
        .map(|(total, in_tail)| total.saturating_add(in_tail))
        .collect())
}

/// The link, its clicks not counted.
pub(crate) async fn find(tx: &mut Tx, id: LinkId) -> Result<Option<Link>> {
    tx.query_opt(&FIND, &[id.get().into()], decode).await
}

/// What searches look through: both texts in lower case, on lines of their own, so that no match spans them.
pub(crate) fn search_text(original_url: &str, title: Option<&str>) -> String {
    let mut text = original_url.to_lowercase();
    text.push('\n');
    text.push_str(&title.unwrap_or_default().to_lowercase());
    text
}

async fn list(tx: &mut Tx, filter: &LinkFilter, page: &PageRequest) -> Result<Vec<Link>> {
    let [after, limit, offset] = crate::db::page_params(page);
    let pattern = filter.search.as_ref().map(like_pattern);
    let params: [Param<'_>; 6] = [
        after,
        limit,
        offset,
        filter.is_active.into(),
        pattern.as_ref().into(),
        filter.owner.map(UserId::get).into(),
    ];
    match filter.owner {
        Some(_) => tx.query(&LIST_OF_USER, &params, decode).await,
        None => tx.query(&LIST, &params[..5], decode).await,
    }
}

/// A pattern that finds `search` as it stands, anywhere.
fn like_pattern(search: &SearchText) -> String {
    let mut pattern = String::from("%");
    for c in search.as_str().to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn decode_inserted(row: &Row<'_>) -> Result<(LinkId, i64)> {
    Ok((decode_id(row, 0)?, row.int(1)?))
}

fn decode_redirect(row: &Row<'_>) -> Result<RedirectRow> {
    Ok(RedirectRow {
        id: decode_id(row, 0)?,
        owner: users::decode_owner(row, 1)?,
        original_url: row.text(2)?,
        is_active: row.bool(3)?,
        version: row.int(4)?,
        as_of: row.int(5)?,
    })
}

fn decode(row: &Row<'_>) -> Result<Link> {
    Ok(Link {
        id: decode_id(row, 0)?,
        owner: users::decode_owner(row, 1)?,
        short_code: decode_code(row, 2)?,
        original_url: row.text(3)?,
        title: row.opt_text(4)?,
        is_active: row.bool(5)?,
        click_count: 0,
        version: row.int(6)?,
        created_at: Timestamp::from_millis(row.int(7)?),
        updated_at: Timestamp::from_millis(row.int(8)?),
    })
}

pub(crate) fn decode_id(row: &Row<'_>, column: usize) -> Result<LinkId> {
    LinkId::new(row.int(column)?).map_err(|error| row.unreadable(column, error.to_string()))
}

pub(crate) fn decode_code(row: &Row<'_>, column: usize) -> Result<ShortCode> {
    row.text(column)?
        .parse()
        .map_err(|error: terse_core::InvalidShortCode| row.unreadable(column, error.to_string()))
}
