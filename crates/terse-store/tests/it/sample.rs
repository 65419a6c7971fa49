//! Things to store.

use std::sync::Arc;

use terse_core::{
    Click, EventFilter, Link, LinkFilter, LinkId, NewEvent, NewLink, NewUser, PageRequest, ShortCode,
    TextIndex, Timestamp, User, UserId,
};
use terse_store::{ClickBatch, Created, Position, Shipped, Store, VisitedLink};

pub(crate) const JOURNAL: &str = "0199-journal";

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn code(text: &str) -> ShortCode {
    text.parse().expect("a short code")
}

pub(crate) fn link_id(number: i64) -> LinkId {
    LinkId::new(number).expect("positive")
}

pub(crate) fn user_id(number: i64) -> UserId {
    UserId::new(number).expect("positive")
}

/// The first rows, as many as a page can have.
pub(crate) fn all() -> PageRequest {
    PageRequest::after(0, 1_000)
}

pub(crate) fn new_link(short_code: &str) -> NewLink {
    NewLink {
        id: None,
        owner: None,
        short_code: code(short_code),
        target: format!("https://example.com/{short_code}")
            .parse()
            .expect("a target"),
        title: None,
        is_active: true,
        created_at: at(1_000),
        updated_at: at(1_000),
    }
}

pub(crate) fn new_user(username: &str) -> NewUser {
    NewUser {
        id: None,
        username: username.parse().expect("a name"),
        email: format!("{username}@example.com").parse().expect("an address"),
        created_at: at(500),
    }
}

pub(crate) fn new_event(link_id: i64, event_type: &str, details: Option<&str>) -> NewEvent {
    NewEvent {
        id: None,
        link_id,
        user_id: None,
        event_type: event_type.parse().expect("an event type"),
        at: at(2_000),
        details: details.map(|text| {
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            (&value).try_into().expect("an object")
        }),
    }
}

pub(crate) fn click(link: &Link) -> Click {
    Click {
        at: at(3_000),
        link_id: link.id,
        version: link.version,
        owner: link.owner,
        referrer: None,
        user_agent: None,
        bot: None,
    }
}

/// What `link` is, as a former run of the program noted it.
pub(crate) fn visited(link: &Link) -> VisitedLink {
    VisitedLink {
        link_id: link.id,
        version: link.version,
        short_code: link.short_code.as_str().into(),
        original_url: link.original_url.as_str().into(),
    }
}

/// Clicks of `link` from these browsers, and their names.
pub(crate) fn clicks_from(link: &Link, agents: &[&str]) -> (Vec<Click>, Vec<Arc<str>>) {
    let clicks = (0..).zip(agents).map(|(index, _)| Click {
        user_agent: Some(TextIndex(index)),
        ..click(link)
    });
    let texts = agents.iter().map(|agent| Arc::from(*agent));
    (clicks.collect(), texts.collect())
}

/// Clicks of lane 0 of [`JOURNAL`], between two offsets of its first segment.
pub(crate) fn batch(from: u64, to: u64, clicks: Vec<Click>) -> ClickBatch {
    ClickBatch {
        journal_id: JOURNAL.to_owned(),
        lane: 0,
        from: position(from),
        to: position(to),
        clicks,
        texts: Vec::new(),
        visited: Vec::new(),
    }
}

pub(crate) fn position(offset: u64) -> Position {
    Position { segment: 0, offset }
}

pub(crate) async fn create(store: &Store, link: NewLink) -> Link {
    match store.create_link(link).await.expect("a free code") {
        Created::Link(link) => link,
        Created::NoSuchUser => panic!("its owner does not exist"),
    }
}

pub(crate) async fn create_user(store: &Store, username: &str) -> User {
    store.create_user(new_user(username)).await.expect("a free name")
}

/// Ships, and folds if that has made it due.
pub(crate) async fn ship(store: &Store, batch: ClickBatch) -> Shipped {
    let shipped = store.ship_clicks(batch).await.expect("a working store");
    store.fold_if_due().await;
    shipped
}

pub(crate) async fn click_count(store: &Store, id: LinkId) -> i64 {
    store
        .find_link(id)
        .await
        .expect("an answer")
        .expect("a link")
        .click_count
}

/// Type and details of all events, in their order.
pub(crate) async fn log(store: &Store) -> Vec<(String, String)> {
    let events = store
        .list_events(EventFilter::default(), all())
        .await
        .expect("a page");
    let entries = events.rows.into_iter();
    entries
        .map(|event| (event.event_type, event.details.unwrap_or_default()))
        .collect()
}

/// The codes of the links that `filter` lets through, in their order.
pub(crate) async fn codes(store: &Store, filter: LinkFilter) -> Vec<String> {
    let links = store.list_links(filter, all()).await.expect("a page").rows;
    links
        .into_iter()
        .map(|link| link.short_code.to_string())
        .collect()
}
