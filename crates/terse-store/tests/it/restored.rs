//! A database that was restored from a backup is older than the journal: clicks name what it has never seen.

use terse_core::{Link, LinkChange, LinkId};
use terse_store::{ClickBatch, Shipped, Store};

use crate::engine::on_every_engine;
use crate::sample::{at, batch, click, code, create, log, new_link, ship, visited};

on_every_engine![
    lost_versions_read_back_whatever_the_order_of_their_batches,
    versions_of_a_lost_link_read_back_whatever_the_order,
    a_later_change_takes_no_version_that_was_visited,
    a_lost_version_is_not_taken_for_the_present_one,
    what_is_known_already_changes_nothing,
    a_version_that_was_lost_does_not_change_its_neighbours,
];

/// `link` as it was at another version, with another code.
fn at_version(link: &Link, version: i64, short_code: &str) -> Link {
    Link {
        version,
        short_code: code(short_code),
        ..link.clone()
    }
}

/// Ships a click that a former run left on each of these states of a link; a batch each, the `first` of their lane.
async fn ship_leftovers(store: &Store, first: u64, links: &[&Link]) {
    for (step, link) in (first..).zip(links) {
        let leftover = ClickBatch {
            visited: vec![visited(link)],
            ..batch(step, step + 1, vec![click(link)])
        };
        assert_eq!(ship(store, leftover).await, Shipped::Done);
    }
}

/// The codes that clicks show, in the order in which they were shipped.
async fn clicked_codes(store: &Store) -> Vec<String> {
    let log = log(store).await.into_iter();
    let clicks = log.filter(|(event_type, _)| event_type == "click");
    let codes = clicks.map(|(_, details)| {
        let details: serde_json::Value = serde_json::from_str(&details).expect("JSON");
        details["short_code"].as_str().unwrap_or("unknown").to_owned()
    });
    codes.collect()
}

async fn rename(store: &Store, id: LinkId, short_code: &str) -> Link {
    let change = LinkChange {
        short_code: Some(code(short_code)),
        ..LinkChange::default()
    };
    let updated = store.update_link(id, change, at(9_000)).await;
    updated.expect("an answer").expect("a link").link
}

async fn lost_versions_read_back_whatever_the_order_of_their_batches(store: Store) {
    let one = create(&store, new_link("one")).await;
    let (two, three) = (at_version(&one, 2, "two"), at_version(&one, 3, "three"));
    ship_leftovers(&store, 0, &[&three, &two, &one, &two]).await;
    assert_eq!(clicked_codes(&store).await, ["three", "two", "one", "two"]);
}

async fn versions_of_a_lost_link_read_back_whatever_the_order(store: Store) {
    let known = create(&store, new_link("known")).await;
    let lost = Link {
        id: LinkId::new(9).expect("positive"),
        ..known
    };
    let (four, five) = (at_version(&lost, 4, "four"), at_version(&lost, 5, "five"));
    ship_leftovers(&store, 0, &[&five, &four, &five]).await;
    assert_eq!(clicked_codes(&store).await, ["five", "four", "five"]);
}

async fn a_later_change_takes_no_version_that_was_visited(store: Store) {
    let one = create(&store, new_link("one")).await;
    let three = at_version(&one, 3, "three");
    ship_leftovers(&store, 0, &[&three]).await;
    let present = store.find_link(one.id).await.expect("an answer").expect("a link");
    assert_eq!(present.short_code, code("one"));
    assert!(present.version > 3);
    let renamed = rename(&store, one.id, "new").await;
    assert!(renamed.version > present.version);
    let clicks = [&present, &renamed].map(click).to_vec();
    ship(&store, batch(1, 2, clicks)).await;
    ship_leftovers(&store, 2, &[&three, &one]).await;
    assert_eq!(
        clicked_codes(&store).await,
        ["three", "one", "new", "three", "one"]
    );
}

async fn a_lost_version_is_not_taken_for_the_present_one(store: Store) {
    let one = create(&store, new_link("one")).await;
    let (three, four) = (at_version(&one, 3, "three"), at_version(&one, 4, "four"));
    ship_leftovers(&store, 0, &[&three, &four, &one]).await;
    assert_eq!(clicked_codes(&store).await, ["three", "four", "one"]);
}

async fn what_is_known_already_changes_nothing(store: Store) {
    let one = create(&store, new_link("one")).await;
    let off = LinkChange {
        is_active: Some(false),
        ..LinkChange::default()
    };
    let two = store.update_link(one.id, off, at(9_000)).await;
    let two = two.expect("an answer").expect("a link").link;
    let three = rename(&store, one.id, "three").await;
    ship_leftovers(&store, 0, &[&two, &three, &one]).await;
    let present = store.find_link(one.id).await.expect("an answer").expect("a link");
    assert_eq!(present.version, 3);
    store.delete_link(one.id, at(9_500)).await.expect("an answer");
    ship_leftovers(&store, 3, &[&one, &three]).await;
    assert_eq!(
        clicked_codes(&store).await,
        ["one", "three", "one", "one", "three"]
    );
}

async fn a_version_that_was_lost_does_not_change_its_neighbours(store: Store) {
    let one = create(&store, new_link("one")).await;
    let [two, four, six] = [2, 4, 6].map(|version| at_version(&one, version, "same"));
    let five = at_version(&one, 5, "other");
    // Four reads as six does, until five is known to have been something else.
    ship_leftovers(&store, 0, &[&six, &four, &five, &two]).await;
    assert_eq!(clicked_codes(&store).await, ["same", "same", "other", "same"]);
}
