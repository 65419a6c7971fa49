//! What a store is to hold, as simply as it can be said: every event in a list, every version of a link in a map.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::json;
use terse_core::{Click, Event, EventFilter, EventId, EventType, Link, NewEvent, TextIndex};

/// The model.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) events: BTreeMap<i64, Event>,
    /// Those that are there; without their clicks.
    pub(super) links: BTreeMap<i64, Link>,
    /// What each version of a link showed, also of those that are gone: code, target, owner.
    pub(super) versions: HashMap<(i64, i64), (String, String)>,
    /// How often each number was clicked.
    pub(super) counts: HashMap<i64, i64>,
    pub(super) last_event_id: i64,
}

impl World {
    /// The link is now this.
    pub(super) fn put(&mut self, link: &Link) {
        let seen = (link.short_code.to_string(), link.original_url.clone());
        self.versions.insert((link.id.get(), link.version), seen);
        let link = Link {
            click_count: 0,
            ..link.clone()
        };
        self.links.insert(link.id.get(), link);
    }

    /// The link with this id, as the store is to show it.
    pub(super) fn link(&self, id: i64) -> Option<Link> {
        let link = self.links.get(&id)?;
        Some(Link {
            click_count: self.counts.get(&id).copied().unwrap_or(0),
            ..link.clone()
        })
    }

    /// Appends an event that the store gave the next id.
    pub(super) fn append(&mut self, event: Event) {
        self.last_event_id = self.last_event_id.max(event.id.get());
        let replaced = self.events.insert(event.id.get(), event);
        assert_eq!(replaced, None, "an id was given twice");
    }

    /// Appends what the store is to note of a change by itself.
    pub(super) fn append_own(&mut self, link: &Link, event_type: &str, at: i64, details: &serde_json::Value) {
        let event = Event {
            id: self.next_id(),
            link_id: link.id.get(),
            user_id: link.owner.map(terse_core::UserId::get),
            event_type: event_type.to_owned(),
            at: crate::sample::at(at),
            details: Some(details.to_string()),
        };
        self.append(event);
    }

    /// Appends what a client recorded.
    pub(super) fn append_new(&mut self, new: &NewEvent) -> Event {
        let event = Event {
            id: new.id.unwrap_or_else(|| self.next_id()),
            link_id: new.link_id,
            user_id: new.user_id,
            event_type: new.event_type.as_str().to_owned(),
            at: new.at,
            details: new.details.as_ref().map(|details| details.as_str().to_owned()),
        };
        let of_bot = event.details.as_deref() == Some(r#"{"bot":true}"#);
        if event.event_type == EventType::CLICK && !of_bot {
            *self.counts.entry(event.link_id).or_default() += 1;
        }
        self.append(event.clone());
        event
    }

    /// Appends a click that was shipped.
    pub(super) fn append_click(&mut self, click: &Click, texts: &[Arc<str>]) {
        let link_id = click.link_id.get();
        let (short_code, original_url) = &self.versions[&(link_id, click.version)];
        let mut details = json!({ "short_code": short_code, "original_url": original_url });
        for (name, text) in [("referrer", click.referrer), ("user_agent", click.user_agent)] {
            if let Some(TextIndex(index)) = text {
                details[name] = json!(&*texts[index as usize]);
            }
        }
        match click.bot {
            Some(reason) => {
                details["bot"] = json!(true);
                details["bot_reason"] = json!(reason.as_str());
            }
            None => *self.counts.entry(link_id).or_default() += 1,
        }
        let event = Event {
            id: self.next_id(),
            link_id,
            user_id: click.owner.map(terse_core::UserId::get),
            event_type: EventType::CLICK.to_owned(),
            at: click.at,
            details: Some(details.to_string()),
        };
        self.append(event);
    }

    /// The events that `filter` lets through.
    pub(super) fn list(&self, filter: &EventFilter) -> Vec<&Event> {
        let event_type = filter.event_type.as_ref().map(EventType::as_str);
        let events = self.events.values().filter(|event| {
            filter.link_id.is_none_or(|link| link == event.link_id)
                && filter.user_id.is_none_or(|user| Some(user) == event.user_id)
                && event_type.is_none_or(|event_type| event_type == event.event_type)
        });
        events.collect()
    }

    fn next_id(&self) -> EventId {
        EventId::new(self.last_event_id + 1).expect("positive")
    }
}
