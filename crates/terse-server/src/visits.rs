//! A visit of a short link: find what the code leads to, and have the click safe before the answer leaves.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use terse_core::{BotReason, ShortCode, Timestamp};
use tokio::time::timeout;
use tracing::Instrument;

use crate::app::App;
use crate::cache::{CachedLink, Moment, Question};
use crate::clicks::{self, Appended, ClickRecord, Shed};
use crate::error::{Error, Result};
use crate::second_cache::Entry;
use crate::telemetry::names;

/// No link has this code.
pub const NOT_FOUND: &str = "Short link not found";
/// The link is there but does not redirect.
pub const DEACTIVATED: &str = "This link has been deactivated";

/// How long nothing is read anew in the place of what could not be.
const REFRESH_PAUSE: Duration = Duration::from_millis(250);
/// How long the database is waited for when the second cache may know more than a copy in hand.
const STORE_WAIT_MAX: Duration = Duration::from_millis(45);

/// What is known of a visitor, as the request's headers say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// `Referer`.
    pub referrer: Option<&'a [u8]>,
    /// `User-Agent`.
    pub user_agent: Option<&'a [u8]>,
    /// Whether only the head of the answer was asked for.
    pub is_head: bool,
    /// Whether a browser asks ahead of its user, who may never come.
    pub is_prefetch: bool,
    /// Whether the visitor asks not to be tracked: then the visit is counted, and not described.
    pub is_private: bool,
}

/// The active link that `code` names. `code` may be any text of a request.
///
/// # Errors
/// `NotFound` and `Gone` for links that do not redirect, `Unavailable` when memory does not know the code and the
/// store cannot be asked.
pub async fn find(app: &App, code: &str) -> Result<CachedLink> {
    let link = match app.cache.get(code) {
        Some(link) => link,
        None => load(app, code).await?.ok_or(Error::NotFound(NOT_FOUND))?,
    };
    if link.is_active() {
        Ok(link)
    } else {
        Err(Error::Gone(DEACTIVATED))
    }
}

/// Puts the click of `link` into the journal; when this returns, the click is counted whatever happens
/// to the process. When the journal is full the click is shed and counted as such, and the visitor is redirected all
/// the same.
pub async fn record_click(app: &App, link: &CachedLink, visitor: Visitor<'_>) {
    if let Ok(appended) = append_click(app, app.clock.now(), link, visitor)
        && app.journal.syncs_before_answer()
        && app.journal.synced(appended).await.is_err()
    {
        tracing::debug!(
            "answered a click that the disk refused to sync: it survives the process, not the machine"
        );
    }
}

/// As [`record_click`], but answered at `at`, and without waiting for the disk.
///
/// # Errors
/// [`Shed`].
pub fn append_click(
    app: &App,
    at: Timestamp,
    link: &CachedLink,
    visitor: Visitor<'_>,
) -> std::result::Result<Appended, Shed> {
    let bot = bot_reason(&visitor);
    let described = Some(visitor).filter(|visitor| !visitor.is_private);
    app.journal.append(&ClickRecord {
        at,
        link_id: link.id(),
        version: link.version(),
        owner: link.owner(),
        short_code: link.short_code(),
        original_url: link.original_url(),
        referrer: described.and_then(|visitor| visitor.referrer),
        user_agent: described.and_then(|visitor| visitor.user_agent),
        bot,
    })
}

/// Why the visit is no person's, as far as it has to be known now: a user agent that is kept is looked at when it is shipped,
/// one that is not kept can only be looked at here.
fn bot_reason(visitor: &Visitor<'_>) -> Option<BotReason> {
    if visitor.is_head {
        Some(BotReason::Head)
    } else if visitor.is_prefetch {
        Some(BotReason::Prefetch)
    } else if visitor.is_private {
        visitor.user_agent.and_then(clicks::classify_sent)
    } else {
        None
    }
}

async fn load(app: &App, code: &str) -> Result<Option<CachedLink>> {
    let Ok(code) = code.parse::<ShortCode>() else {
        return Ok(None);
    };
    app.cache
        .find(&code, async |question| {
            let asking = ask(app, &code, question);
            asking.instrument(names::look_up_span()).await
        })
        .await
}

/// Reads links anew that were read long ago and are visited, for ever.
pub async fn refresh(app: &App) {
    let one_by_one = async || {
        while let Some(code) = app.cache.next_to_refresh().await {
            let is_done = app
                .cache
                .refresh(&code, async |question| {
                    look_up(app, &code, question.read_at).await
                })
                .await;
            if !is_done {
                tokio::time::sleep(REFRESH_PAUSE).await;
            }
        }
    };
    // A few at once: the store may be slow.
    tokio::join!(one_by_one(), one_by_one(), one_by_one(), one_by_one());
}

/// What the second cache knows if somebody vouches for that, or else the database. With a copy in hand that may be out of date and
/// nobody who vouches for anything, both at once: the database may be away, and then the second cache knows more than nothing.
async fn ask(app: &App, code: &ShortCode, question: Question<'_>) -> Result<Option<CachedLink>> {
    let read_at = question.read_at;
    let Some(second) = &app.second_cache else {
        return look_up(app, code, read_at).await;
    };
    if let Some(elsewhere) = question.elsewhere
        && let Some(entry) = second.get(code, elsewhere.since).await
    {
        return link_of(code, entry, elsewhere.read_at);
    }
    let newer = question.copy.map_or(0, |copy| copy.as_of().saturating_add(1));
    let newer = newer.max(question.heard);
    let Some(_) = question.copy else {
        return match look_up(app, code, read_at).await {
            Err(Error::Unavailable(error)) => match second.get(code, newer).await {
                Some(entry) => link_of(code, entry, read_at),
                None => Err(Error::Unavailable(error)),
            },
            outcome => outcome,
        };
    };
    let store = async {
        if question.may_ask_store {
            timeout(STORE_WAIT_MAX, look_up(app, code, read_at)).await.ok()
        } else {
            None
        }
    };
    let (looked_up, entry) = tokio::join!(store, second.get(code, newer));
    match (looked_up, entry) {
        (Some(Ok(found)), _) => Ok(found),
        (_, Some(entry)) => link_of(code, entry, read_at),
        (Some(Err(error)), None) => Err(error),
        (None, None) => Err(Error::Unavailable(terse_store::Error::Unavailable(Arc::new(
            io::Error::from(io::ErrorKind::TimedOut),
        )))),
    }
}

/// What the database says, which the second cache is then told.
async fn look_up(app: &App, code: &ShortCode, read_at: Moment) -> Result<Option<CachedLink>> {
    let asked_at = app.clock.elapsed();
    let row = app.store.find_redirect(code).await?;
    // One that is slower than visitors wait is as good as away to them.
    if app.clock.elapsed().saturating_sub(asked_at) < STORE_WAIT_MAX {
        app.cache.store_is_back();
    }
    let Some(row) = row else { return Ok(None) };
    if let Some(second) = &app.second_cache {
        second.keep(code, &row);
    }
    link_of(code, Entry::Link(row), read_at)
}

fn link_of(code: &ShortCode, entry: Entry, read_at: Moment) -> Result<Option<CachedLink>> {
    match entry {
        Entry::Nothing { .. } => Ok(None),
        Entry::Link(row) => CachedLink::of(code, &row, read_at)
            .map(Some)
            .map_err(|error| Error::Internal(Box::new(error))),
    }
}
