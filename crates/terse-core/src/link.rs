//! Links: a short code that leads to a target.

use crate::{LinkId, SearchText, ShortCode, TargetUrl, Timestamp, Title, UserId};

/// The user a link belongs to, if any.
pub type Owner = Option<UserId>;

/// A link as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Names the link.
    pub id: LinkId,
    /// The user it belongs to.
    pub owner: Owner,
    /// The path segment that leads to it.
    pub short_code: ShortCode,
    /// The target as it was given. A [`TargetUrl`] when it was stored; kept as text so that links stay readable
    /// should the rules for targets ever become stricter.
    pub original_url: String,
    /// What a person calls it.
    pub title: Option<String>,
    /// Whether it redirects; otherwise it answers 410.
    pub is_active: bool,
    /// Clicks that were counted.
    pub click_count: i64,
    /// Grows with each change, from 1: of two copies the higher is newer.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A link to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The id that an import brings along; without one the store gives the next.
    pub id: Option<LinkId>,
    /// The user it belongs to.
    pub owner: Owner,
    /// The path segment that leads to it.
    pub short_code: ShortCode,
    /// Where it leads.
    pub target: TargetUrl,
    /// What a person calls it.
    pub title: Option<Title>,
    /// Whether it redirects.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed; equals `created_at` unless an import says otherwise.
    pub updated_at: Timestamp,
}

/// What is to be changed of a link; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// The new code.
    pub short_code: Option<ShortCode>,
    /// The new target.
    pub target: Option<TargetUrl>,
    /// The new title; `Some(None)` removes it.
    pub title: Option<Option<Title>>,
    /// Whether it is to redirect.
    pub is_active: Option<bool>,
}

/// Which links to list; `None` means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// Only those of this user.
    pub owner: Option<UserId>,
    /// Only active ones, or only deactivated ones.
    pub is_active: Option<bool>,
    /// Only those with this in their target or title.
    pub search: Option<SearchText>,
}
