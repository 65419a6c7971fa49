//! What the store shows, beside what the model says.

use terse_core::{Event, EventFilter, LinkFilter, PageRequest};
use terse_store::Store;

use super::dice::Dice;
use super::world::World;
use crate::sample::link_id;

/// A store and its model at some step.
pub(super) struct Comparison<'a> {
    store: &'a Store,
    world: &'a World,
    step: &'a str,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(store: &'a Store, world: &'a World, step: &'a str) -> Self {
        Self { store, world, step }
    }

    /// The links, and a page of events.
    pub(super) async fn of_some(&self, dice: &Dice) {
        self.of_links().await;
        let filters = self.filters();
        let filter = &filters[dice.index(filters.len())];
        let expected = self.world.list(filter);
        let per_page = 1 + dice.below(if dice.one_in(4) { 1_000 } else { 20 });
        let start = dice.index(expected.len() + 2);
        let after = expected.get(start).map_or(0, |event| event.id.get() - 1);
        let rest: Vec<_> = expected
            .iter()
            .copied()
            .filter(|event| event.id.get() > after)
            .collect();
        self.of_page(filter, PageRequest::after(after, per_page), &rest)
            .await;
        let page = i64::try_from(start / per_page as usize).expect("small") + 1;
        self.of_numbered_page(filter, page, per_page, &expected).await;
    }

    /// Every list with every filter, by key and by number.
    pub(super) async fn of_all(&self, dice: &Dice) {
        self.of_links().await;
        for filter in self.filters() {
            let expected = self.world.list(&filter);
            let mut rest = expected.as_slice();
            let mut after = 0;
            while !rest.is_empty() {
                let per_page = 1 + dice.below(1_000);
                self.of_page(&filter, PageRequest::after(after, per_page), rest)
                    .await;
                rest = &rest[rest.len().min(per_page as usize)..];
                let seen = expected.len() - rest.len();
                after = expected[seen - 1].id.get();
            }
            self.of_page(&filter, PageRequest::after(after, 10), rest).await;
            for page in [1, 2, 5, 100] {
                let per_page = 1 + dice.below(1_000);
                self.of_numbered_page(&filter, page, per_page, &expected).await;
            }
        }
    }

    /// The store finds nothing wrong with itself.
    pub(super) async fn of_soundness(&self) {
        let problems = self.store.integrity_problems().await.expect(self.step);
        assert_eq!(problems, [""; 0], "{}", self.step);
    }

    async fn of_links(&self) {
        let page = PageRequest::after(0, 1_000);
        let links = self.store.list_links(LinkFilter::default(), page).await;
        let ids = self.world.links.keys();
        let expected: Vec<_> = ids.clone().filter_map(|id| self.world.link(*id)).collect();
        assert_eq!(links.expect(self.step).rows, expected, "{}", self.step);
        for id in ids {
            let link = self.store.find_link(link_id(*id)).await.expect(self.step);
            assert_eq!(link, self.world.link(*id), "{}", self.step);
        }
    }

    async fn of_numbered_page(&self, filter: &EventFilter, page: i64, per_page: u32, all: &[&Event]) {
        let request = PageRequest::new(Some(page), None, Some(i64::from(per_page))).expect("a page");
        let before = usize::try_from(page - 1).expect("small") * per_page as usize;
        let rest = all.get(before..).unwrap_or_default();
        self.of_page(filter, request, rest).await;
    }

    /// The page shows the first of `rest`, and whether there are more.
    async fn of_page(&self, filter: &EventFilter, request: PageRequest, rest: &[&Event]) {
        let page = self.store.list_events(filter.clone(), request).await;
        let page = page.expect(self.step);
        let shown = rest.len().min(request.per_page() as usize);
        let context = format!("{}: {filter:?} {request:?}", self.step);
        for (event, expected) in page.rows.iter().zip(&rest[..shown]) {
            assert_eq!(event, *expected, "{context}");
        }
        assert_eq!(
            (page.rows.len(), page.has_more),
            (shown, shown < rest.len()),
            "{context}"
        );
    }

    /// Every kind of filter, with numbers that occur and some that do not.
    fn filters(&self) -> Vec<EventFilter> {
        let mut links = vec![None, Some(-1), Some(0), Some(300), Some(12_345)];
        let mut of_links: Vec<_> = self.world.versions.keys().map(|(link, _)| *link).collect();
        of_links.sort_unstable();
        of_links.dedup();
        links.extend(of_links.into_iter().take(4).map(Some));
        let mut filters = Vec::new();
        for link_id in links {
            for user_id in [None, Some(-1), Some(0), Some(1), Some(3)] {
                for event_type in [None, Some("click"), Some("updated")] {
                    filters.push(EventFilter {
                        link_id,
                        user_id,
                        event_type: event_type.map(|event_type| event_type.parse().expect("a type")),
                    });
                }
            }
        }
        filters
    }
}
