//! A visit of a short link: find what the code leads to, and have the click safe before the answer leaves.

use terse_core::{BotReason, ShortCode, Timestamp};

use crate::app::App;
use crate::cache::CachedLink;
use crate::clicks::{self, Appended, ClickRecord, Shed};
use crate::error::{Error, Result};

/// No link has this code.
pub const NOT_FOUND: &str = "Short link not found";
/// The link is there but does not redirect.
pub const DEACTIVATED: &str = "This link has been deactivated";

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
        .find(&code, async {
            let row = app.store.find_redirect(&code).await?;
            row.map(|row| CachedLink::of(&code, &row))
                .transpose()
                .map_err(|error| Error::Internal(Box::new(error)))
        })
        .await
}
