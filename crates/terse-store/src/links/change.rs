//! Changing links: update, deactivate, delete. Each change that a redirect could notice raises the version.

use std::sync::Arc;

use serde_json::json;
use terse_core::{EventType, Link, LinkChange, LinkId, ShortCode, Timestamp, Title, UserId};

use super::{click_counts, find, search_text, versions};
use crate::bus::{self, AsOf};
use crate::db::{Param, Read, Row, Tx};
use crate::error::Result;
use crate::events;
use crate::sql::statements;
use crate::store::Store;

/// What came of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The code that led to it before: caches must forget both this and the present one.
    pub before: ShortCode,
    /// The link as it is now.
    pub link: Link,
}

statements! {
    // Comes before the reading: on engines with several writers it makes the row ours.
    TOUCH = "UPDATE links SET version = version + 1, \
             updated_at = CASE WHEN updated_at > $2 THEN updated_at ELSE $2 END WHERE id = $1";
    SET = "UPDATE links SET short_code = $2, original_url = $3, title = $4, search_text = $5, is_active = $6 \
           WHERE id = $1";
    DEACTIVATE = "UPDATE links SET is_active = FALSE, version = version + 1, \
                  updated_at = CASE WHEN updated_at > $3 THEN updated_at ELSE $3 END \
                  WHERE id = $1 AND short_code = $2 AND is_active";
    FIND_ID = "SELECT id FROM links WHERE short_code = $1";
    DELETE = "DELETE FROM links WHERE id = $1";
    DISOWN = "UPDATE links SET user_id = NULL, version = version + 1 WHERE user_id = $1 RETURNING short_code";
}

impl Store {
    /// Changes a link, and appends an `updated` event for each field that has another value now. `at` becomes its
    /// time of change, unless that is later already. A change that names no field does nothing at all.
    ///
    /// # Errors
    /// [`crate::Conflict::ShortCode`]
    pub async fn update_link(
        &self,
        id: LinkId,
        change: LinkChange,
        at: Timestamp,
    ) -> Result<Option<Updated>> {
        let clicks = self.count_clicks_of(id).await?;
        let updated = self
            .db
            .write(move |tx| Box::pin(update(tx, id, change, at)))
            .await?;
        if let (Some(Updated { before, link }), as_of) = &updated {
            self.tell_made(link, *as_of);
            if *before != link.short_code {
                self.tell_unmade(before, *as_of);
            }
        }
        let mut updated = self.changed(updated);
        if let Some(updated) = &mut updated {
            updated.link.click_count = clicks;
        }
        Ok(updated)
    }

    /// Takes a link down: it keeps its code and answers 410. The first time appends a `deleted` event; doing it
    /// again changes nothing.
    pub async fn deactivate_link(&self, code: &ShortCode, at: Timestamp) -> Result<Option<Link>> {
        loop {
            let Some(id) = self.find_id(code.clone()).await? else {
                return Ok(None);
            };
            let clicks = self.count_clicks_of(id).await?;
            let code = code.clone();
            let deactivate = self
                .db
                .write(move |tx| Box::pin(async move { deactivate(tx, id, &code, at).await }));
            let deactivated = deactivate.await?;
            if let (Some(link), as_of) = &deactivated {
                self.tell_made(link, *as_of);
            }
            if let Some(mut link) = self.changed(deactivated) {
                link.click_count = clicks;
                return Ok(Some(link));
            }
            // Meanwhile the code became another link's, or nobody's.
        }
    }

    /// Removes a link, and appends a `deleted` event; its events stay. Gives what it was, its clicks not counted.
    pub async fn delete_link(&self, id: LinkId, at: Timestamp) -> Result<Option<Link>> {
        let deleted = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(link) = find(tx, id).await? else {
                        return Ok((None, 0));
                    };
                    versions::keep(tx, &link, link.version).await?;
                    tx.execute(&DELETE, &[id.get().into()]).await?;
                    append_deleted(tx, &link, at).await?;
                    let as_of = bus::announce(tx, [&link.short_code]).await?;
                    Ok((Some(link), as_of))
                })
            })
            .await?;
        if let (Some(link), as_of) = &deleted {
            self.tell_unmade(&link.short_code, *as_of);
        }
        Ok(self.changed(deleted))
    }

    async fn find_id(&self, code: ShortCode) -> Result<Option<LinkId>> {
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move { tx.query_opt(&FIND_ID, &[code.as_str().into()], decode_id).await })
            })
            .await
    }

    /// Before a change: counting needs a reading transaction, and if that came after the change and failed, what was
    /// done would be taken for not done.
    pub(super) async fn count_clicks_of(&self, id: LinkId) -> Result<i64> {
        let tail = Arc::clone(&self.tail);
        self.db
            .read(Read::Point, move |tx| {
                Box::pin(async move {
                    let counts = click_counts(tx, &tail.counts, &[id.get()]).await?;
                    Ok(counts.iter().sum())
                })
            })
            .await
    }
}

/// Takes the links of `user` away from it; the codes of those links.
pub(crate) async fn disown(tx: &mut Tx, user: UserId) -> Result<Vec<ShortCode>> {
    tx.query(&DISOWN, &[user.get().into()], |row: &Row<'_>| {
        super::decode_code(row, 0)
    })
    .await
}

async fn update(
    tx: &mut Tx,
    id: LinkId,
    change: LinkChange,
    at: Timestamp,
) -> Result<(Option<Updated>, AsOf)> {
    if change != LinkChange::default() {
        tx.execute(&TOUCH, &[id.get().into(), at.as_millis().into()])
            .await?;
    }
    let Some(mut link) = find(tx, id).await? else {
        return Ok((None, 0));
    };
    let before = link.clone();
    let changed = apply(&mut link, change);
    if (&before.short_code, &before.original_url) != (&link.short_code, &link.original_url) {
        versions::keep(tx, &before, before.version - 1).await?; // that of before it was touched
    }
    if !changed.is_empty() {
        set(tx, &link).await?;
    }
    for (field, new_value) in changed {
        let details = json!({ "field": field, "new_value": new_value });
        events::append(tx, &link, EventType::UPDATED, at, &details).await?;
    }
    let before = before.short_code;
    let as_of = bus::announce(tx, [&before, &link.short_code]).await?;
    Ok((Some(Updated { before, link }), as_of))
}

/// Gives `link` its new values; the fields that had others before, with what they have now.
fn apply(link: &mut Link, change: LinkChange) -> Vec<(&'static str, serde_json::Value)> {
    let mut changed = Vec::new();
    if let Some(code) = change.short_code.filter(|code| *code != link.short_code) {
        changed.push(("short_code", json!(code.as_str())));
        link.short_code = code;
    }
    if let Some(target) = change
        .target
        .filter(|target| target.original() != link.original_url)
    {
        changed.push(("original_url", json!(target.original())));
        target.original().clone_into(&mut link.original_url);
    }
    let title = change
        .title
        .map(|title| title.as_ref().map(Title::as_str).map(str::to_owned));
    if let Some(title) = title.filter(|title| *title != link.title) {
        changed.push(("title", json!(title)));
        link.title = title;
    }
    if let Some(is_active) = change.is_active.filter(|is_active| *is_active != link.is_active) {
        changed.push(("is_active", json!(is_active)));
        link.is_active = is_active;
    }
    changed
}

async fn set(tx: &mut Tx, link: &Link) -> Result<()> {
    let search_text = search_text(&link.original_url, link.title.as_deref());
    let params: [Param<'_>; 6] = [
        link.id.get().into(),
        link.short_code.as_str().into(),
        (&link.original_url).into(),
        link.title.as_ref().into(),
        (&search_text).into(),
        link.is_active.into(),
    ];
    tx.execute(&SET, &params).await?;
    Ok(())
}

/// Takes down the link, which `None` says does not have that code any more.
async fn deactivate(
    tx: &mut Tx,
    id: LinkId,
    code: &ShortCode,
    at: Timestamp,
) -> Result<(Option<Link>, AsOf)> {
    let params: [Param<'_>; 3] = [id.get().into(), code.as_str().into(), at.as_millis().into()];
    let is_first_time = tx.execute(&DEACTIVATE, &params).await? > 0;
    let link = find(tx, id).await?.filter(|link| link.short_code == *code);
    let mut as_of = 0;
    if let (Some(link), true) = (&link, is_first_time) {
        append_deleted(tx, link, at).await?;
        as_of = bus::announce(tx, [code]).await?;
    }
    Ok((link, as_of))
}

async fn append_deleted(tx: &mut Tx, link: &Link, at: Timestamp) -> Result<()> {
    let details = json!({ "reason": "user_requested" });
    events::append(tx, link, EventType::DELETED, at, &details).await
}

fn decode_id(row: &Row<'_>) -> Result<LinkId> {
    super::decode_id(row, 0)
}
