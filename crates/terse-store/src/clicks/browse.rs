//! Finding clicks as events: by id, of a link, of an owner.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::json;
use terse_core::{Event, EventFilter, EventId, EventType, Timestamp};

use super::block::{self, StoredClick};
use super::blocks::{self, RawBlock};
use super::postings::{self, Kind};
use super::texts;
use crate::db::Tx;
use crate::error::{Error, Result, Trouble};
use crate::links::versions;

/// The clicks behind `after` that `filter` lets through, in the order of their ids; `limit` at most.
pub(crate) async fn list(
    tx: &mut Tx,
    filter: &EventFilter,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, StoredClick)>> {
    if filter
        .event_type
        .as_ref()
        .is_some_and(|of| of.as_str() != EventType::CLICK)
    {
        return Ok(Vec::new());
    }
    let subject = match (filter.link_id, filter.user_id) {
        (Some(link), _) => (Kind::Link, link),
        // Zero stands for nobody.
        (None, Some(0)) => return Ok(Vec::new()),
        (None, Some(owner)) => (Kind::Owner, owner),
        (None, None) => {
            let mut clicks = Vec::new();
            scan(tx, after, limit, |_, _| true, &mut clicks).await?;
            return Ok(clicks);
        }
    };
    let mut clicks = list_indexed(tx, subject, filter, after, limit).await?;
    if clicks.len() < limit {
        let after = after.max(blocks::indexed_through(tx).await?);
        let is_wanted = |link, owner| is_of(link, owner, filter);
        scan(tx, after, limit, is_wanted, &mut clicks).await?;
    }
    Ok(clicks)
}

/// The clicks as events, with what is known of each.
pub(crate) async fn describe(tx: &mut Tx, clicks: Vec<(i64, StoredClick)>) -> Result<Vec<Event>> {
    let mut known = Known::default();
    let mut events = Vec::with_capacity(clicks.len());
    for (id, click) in clicks {
        let details = known.details(tx, &click).await?;
        let unreadable = |_| Error::internal(Trouble::OutOfRange("the id of a click"));
        events.push(Event {
            id: EventId::new(id).map_err(unreadable)?,
            link_id: click.link_id,
            user_id: Some(click.owner).filter(|owner| *owner != 0),
            event_type: EventType::CLICK.to_owned(),
            at: Timestamp::from_millis(click.at),
            details: Some(details),
        });
    }
    Ok(events)
}

/// The click with this id.
pub(crate) async fn find(tx: &mut Tx, id: i64) -> Result<Option<StoredClick>> {
    let block = blocks::find_containing(tx, id).await?;
    Ok(block.map(|block| block.read().click(id)))
}

/// Looks through the blocks for clicks behind `after`, by their link and its owner.
async fn scan(
    tx: &mut Tx,
    mut after: i64,
    limit: usize,
    is_wanted: impl Fn(i64, i64) -> bool + Copy,
    clicks: &mut Vec<(i64, StoredClick)>,
) -> Result<()> {
    // It may be amid a block.
    if let Some(block) = blocks::find_containing(tx, after.saturating_add(1)).await? {
        take(&block, after, limit, is_wanted, clicks);
        after = block.read().last_id();
    }
    while clicks.len() < limit {
        let blocks = blocks::list(tx, after).await?;
        let Some(last) = blocks.last() else { break };
        after = last.read().last_id();
        for block in &blocks {
            take(block, 0, limit, is_wanted, clicks);
        }
    }
    Ok(())
}

/// Unpacks only what is wanted: of a link's clicks there are few among those of the others.
fn take(
    raw: &RawBlock,
    after: i64,
    limit: usize,
    is_wanted: impl Fn(i64, i64) -> bool,
    clicks: &mut Vec<(i64, StoredClick)>,
) {
    let block = raw.read();
    let subjects = block.links().zip(block.owners());
    let wanted = block
        .ids()
        .zip(subjects)
        .filter(|(id, (link, owner))| *id > after && is_wanted(*link, *owner));
    let found = wanted.map(|(id, _)| (id, block.click(id)));
    clicks.extend(found.take(limit.saturating_sub(clicks.len())));
}

/// Those that are in the runs.
async fn list_indexed(
    tx: &mut Tx,
    subject: (Kind, i64),
    filter: &EventFilter,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, StoredClick)>> {
    let mut clicks: Vec<(i64, StoredClick)> = Vec::new();
    for run in postings::list_runs(tx, after).await? {
        let mut after = after;
        while clicks.len() < limit {
            let ids = postings::find(tx, run, subject, after, limit).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            fetch(tx, &ids, filter, limit, &mut clicks).await?;
        }
        if clicks.len() >= limit {
            break;
        }
    }
    Ok(clicks)
}

/// Adds the clicks with these ids, which are in order.
async fn fetch(
    tx: &mut Tx,
    ids: &[i64],
    filter: &EventFilter,
    limit: usize,
    clicks: &mut Vec<(i64, StoredClick)>,
) -> Result<()> {
    let mut at_hand: Option<RawBlock> = None;
    for id in ids {
        if clicks.len() >= limit {
            break;
        }
        if at_hand
            .as_ref()
            .is_none_or(|block| !block.read().ids().contains(id))
        {
            at_hand = blocks::find_containing(tx, *id).await?;
        }
        let lost = || Error::internal(Trouble::OutOfRange("a click's posting"));
        let click = at_hand.as_ref().ok_or_else(lost)?.read().click(*id);
        if is_of(click.link_id, click.owner, filter) {
            clicks.push((*id, click));
        }
    }
    Ok(())
}

fn is_of(link: i64, owner: i64, filter: &EventFilter) -> bool {
    filter.link_id.is_none_or(|wanted| wanted == link)
        && filter.user_id.is_none_or(|wanted| wanted != 0 && wanted == owner)
}

/// What was looked up for one page.
#[derive(Default)]
struct Known {
    links: HashMap<(i64, i64), Option<versions::Texts>>,
    texts: HashMap<i64, Option<String>>,
}

impl Known {
    async fn details(&mut self, tx: &mut Tx, click: &StoredClick) -> Result<String> {
        let mut details = json!({});
        if let Some(link) = self.link(tx, click).await? {
            details["short_code"] = link.short_code.as_str().into();
            details["original_url"] = link.original_url.as_str().into();
        }
        for (member, text) in [("referrer", click.referrer), ("user_agent", click.user_agent)] {
            if let Some(text) = self.text(tx, text).await? {
                details[member] = text.into();
            }
        }
        if let Some(bot) = block::bot_of(click.bot) {
            details["bot"] = true.into();
            details["bot_reason"] = bot.as_str().into();
        }
        Ok(details.to_string())
    }

    async fn link(&mut self, tx: &mut Tx, click: &StoredClick) -> Result<Option<&versions::Texts>> {
        let key = (click.link_id, click.version);
        let found = match self.links.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(versions::find(tx, click.link_id, click.version).await?),
        };
        Ok(found.as_ref())
    }

    async fn text(&mut self, tx: &mut Tx, id: i64) -> Result<Option<&str>> {
        if id == 0 {
            return Ok(None);
        }
        let found = match self.texts.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(texts::find_content(tx, id).await?),
        };
        Ok(found.as_deref())
    }
}
