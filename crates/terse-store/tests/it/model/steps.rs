//! What is done to a store and to its model.

use serde_json::json;
use terse_core::{BotReason, Click, EventId, EventType, LinkChange, NewEvent, TextIndex, UserId};
use terse_store::{ClickBatch, Imported, Shipped, Store, Taken};

use super::dice::Dice;
use super::world::World;
use crate::sample::{at, batch, code, create, create_user, link_id, new_event, new_link, ship, user_id};

/// So many users there are from the first step on.
pub(super) const USERS: i64 = 3;

/// The most clicks of a batch: more than a block has.
const BATCH_CLICKS: [u32; 6] = [0, 1, 2, 40, 700, 2_300];

/// What the steps so far came to.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) world: World,
    /// How many batches were shipped.
    shipped: u64,
    names: u32,
}

impl Steps {
    /// Does something.
    pub(super) async fn take(&mut self, store: &Store, dice: &Dice, step: &str) {
        if self.names == 0 {
            for user in 1..=USERS {
                create_user(store, &format!("user{user}")).await;
            }
        }
        match dice.below(20) {
            _ if self.world.links.len() < 3 => self.create(store, dice).await,
            0..2 => self.create(store, dice).await,
            2..5 => self.update(store, dice, step).await,
            5 => self.deactivate(store, dice).await,
            6 => self.delete(store, dice, step).await,
            7..9 => self.append(store, dice, step).await,
            9..12 => self.import(store, dice, step).await,
            _ => self.ship(store, dice, step).await,
        }
    }

    async fn create(&mut self, store: &Store, dice: &Dice) {
        let mut new = new_link(&self.name());
        new.owner = dice.maybe(Self::user(dice));
        let link = create(store, new).await;
        self.world.put(&link);
        let details = json!({ "short_code": link.short_code.as_str(), "original_url": link.original_url });
        self.world
            .append_own(&link, EventType::CREATED, link.created_at.as_millis(), &details);
    }

    async fn update(&mut self, store: &Store, dice: &Dice, step: &str) {
        let id = self.link(dice);
        let name = self.name();
        let change = LinkChange {
            short_code: dice.maybe(code(&name)),
            target: dice.maybe(format!("https://example.org/{name}").parse().expect("a target")),
            title: dice.maybe(Some(name.parse().expect("a title"))),
            is_active: dice.maybe(dice.one_in(2)),
        };
        let before = self.world.links[&id].clone();
        let updated = store
            .update_link(link_id(id), change.clone(), at(9_000))
            .await
            .expect(step)
            .expect(step);
        assert_eq!(updated.before, before.short_code, "{step}");
        let mut changed = Vec::new();
        let mut expected = before;
        if change != LinkChange::default() {
            expected.version += 1;
            expected.updated_at = expected.updated_at.max(at(9_000));
        }
        if let Some(short_code) = change.short_code {
            changed.push(("short_code", json!(short_code.as_str())));
            expected.short_code = short_code;
        }
        if let Some(target) = change.target {
            changed.push(("original_url", json!(target.original())));
            target.original().clone_into(&mut expected.original_url);
        }
        if let Some(title) = change.title {
            let title = title.map(|title| title.as_str().to_owned());
            changed.push(("title", json!(title)));
            expected.title = title;
        }
        if let Some(is_active) = change.is_active.filter(|now| *now != expected.is_active) {
            changed.push(("is_active", json!(is_active)));
            expected.is_active = is_active;
        }
        self.world.put(&expected);
        assert_eq!(Some(&updated.link), self.world.link(id).as_ref(), "{step}");
        for (field, new_value) in changed {
            let details = json!({ "field": field, "new_value": new_value });
            self.world
                .append_own(&expected, EventType::UPDATED, 9_000, &details);
        }
    }

    async fn deactivate(&mut self, store: &Store, dice: &Dice) {
        let id = self.link(dice);
        let mut link = self.world.links[&id].clone();
        let deactivated = store.deactivate_link(&link.short_code, at(9_500)).await;
        if link.is_active {
            link.is_active = false;
            link.version += 1;
            link.updated_at = link.updated_at.max(at(9_500));
            self.world.put(&link);
            self.append_deleted(&link, 9_500);
        }
        assert_eq!(deactivated.expect("an answer"), self.world.link(id));
    }

    async fn delete(&mut self, store: &Store, dice: &Dice, step: &str) {
        let id = self.link(dice);
        store
            .delete_link(link_id(id), at(9_600))
            .await
            .expect(step)
            .expect(step);
        let link = self.world.links.remove(&id).expect("a link");
        self.append_deleted(&link, 9_600);
    }

    async fn append(&mut self, store: &Store, dice: &Dice, step: &str) {
        let event = Self::event(dice);
        let stored = store.append_event(event.clone()).await.expect(step);
        assert_eq!(stored, self.world.append_new(&event), "{step}");
    }

    /// Rows with ids of their own, some of them taken, some by clicks.
    async fn import(&mut self, store: &Store, dice: &Dice, step: &str) {
        let mut rows = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..dice.below(8) {
            let mut row = Self::event(dice);
            let taken = i64::from(dice.below(u32::try_from(self.world.last_event_id).expect("few")) + 1);
            let id = match dice.below(3) {
                0 => None,
                1 => Some(self.world.last_event_id + 1 + i64::from(dice.below(5))),
                _ => Some(taken),
            };
            row.id = id.map(|id| EventId::new(id).expect("positive"));
            let there = id.and_then(|id| self.world.events.get(&id));
            if let Some(there) = there
                && dice.one_in(2)
            {
                row.link_id = there.link_id;
                row.event_type = there.event_type.parse().expect("a type");
                row.at = there.at;
            }
            let key = (row.link_id, row.event_type.as_str(), row.at);
            expected.push(match there {
                None => {
                    self.world.append_new(&row);
                    Imported::Inserted
                }
                Some(there) if (there.link_id, there.event_type.as_str(), there.at) == key => {
                    Imported::AlreadyThere
                }
                Some(_) => Imported::Taken(Taken::EventId),
            });
            rows.push(row);
        }
        assert_eq!(store.import_events(rows).await.expect(step), expected, "{step}");
    }

    async fn ship(&mut self, store: &Store, dice: &Dice, step: &str) {
        let agents = 1 + dice.below(50);
        let texts: Vec<_> = (0..agents)
            .map(|agent| format!("agent {} \"ü\"", agent + dice.below(9)).into())
            .collect();
        let mut versions: Vec<_> = self.world.versions.keys().copied().collect();
        versions.sort_unstable();
        // Half of them go to one link, for it to have many chunks of postings.
        let hot = dice.pick(&versions);
        let count = dice.pick(&BATCH_CLICKS);
        let clicks = (0..count).map(|_| {
            let other = dice.pick(&versions);
            let (link, version) = dice.maybe(hot).unwrap_or(other);
            let text = TextIndex(dice.below(agents));
            Click {
                at: at(3_000 + i64::from(dice.below(100_000))),
                link_id: link_id(link),
                version,
                owner: dice.maybe(Self::user(dice)),
                referrer: dice.maybe(text),
                user_agent: dice.maybe(text),
                bot: dice.one_in(5).then(|| dice.pick(&BOTS)),
            }
        });
        let clicks: Vec<_> = clicks.collect();
        for click in &clicks {
            self.world.append_click(click, &texts);
        }
        let batch = ClickBatch {
            texts,
            ..batch(self.shipped, self.shipped + 1, clicks)
        };
        let again = batch.clone();
        assert_eq!(ship(store, batch).await, Shipped::Done, "{step}");
        self.shipped += 1;
        if dice.one_in(8) {
            assert!(matches!(ship(store, again).await, Shipped::Moved(_)), "{step}");
        }
    }

    fn event(dice: &Dice) -> NewEvent {
        let details = dice.pick(&[None, Some(r#"{"bot":true}"#), Some(r#"{"a":[1]}"#)]);
        let number = dice.pick(&[-1, 0, 1, 2, 3, 7, 300]);
        let event_type = dice.pick(&["click", "view", "updated"]);
        NewEvent {
            user_id: dice.maybe(i64::from(dice.below(5)) - 1),
            at: at(i64::from(dice.below(5_000))),
            ..new_event(number, event_type, details)
        }
    }

    fn append_deleted(&mut self, link: &terse_core::Link, at: i64) {
        let details = json!({ "reason": "user_requested" });
        self.world.append_own(link, EventType::DELETED, at, &details);
    }

    /// A link that is there.
    fn link(&self, dice: &Dice) -> i64 {
        let links: Vec<_> = self.world.links.keys().copied().collect();
        dice.pick(&links)
    }

    fn user(dice: &Dice) -> UserId {
        user_id(1 + i64::from(dice.below(3)))
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }
}

const BOTS: [BotReason; 4] = [
    BotReason::Head,
    BotReason::Prefetch,
    BotReason::Preview,
    BotReason::Crawler,
];
