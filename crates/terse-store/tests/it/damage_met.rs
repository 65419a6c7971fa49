//! Damage that is met while serving: no endless loop, no panic, no number that wrapped, and no click lost.

use std::path::Path;

use terse_core::{Click, EventFilter, Link, LinkId};
use terse_store::{Error, Shipped, Store, StoreOptions};

use crate::damage::{alter, database};
use crate::sample::{all, batch, click, click_count, code, create, link_id, log, new_event, new_link, ship};

/// Two blocks in the tail have it folded.
async fn open(path: &Path) -> Store {
    let mut options = StoreOptions::new(path);
    options.unindexed_blocks_max = 2;
    Store::open(options).await.expect("a store")
}

async fn link(store: &Store, short_code: &str) -> Link {
    let found = store.find_redirect(&code(short_code)).await.expect("an answer");
    let found = store.find_link(found.expect("a link").id).await;
    found.expect("an answer").expect("a link")
}

fn number(path: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).expect("a database");
    connection.query_row(sql, [], |row| row.get(0)).expect("a number")
}

fn indexed_through(path: &Path) -> i64 {
    number(path, "SELECT indexed_through FROM click_index")
}

/// What the error and its causes say.
fn said<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    let error = outcome.expect_err("damage");
    assert!(matches!(error, Error::Internal(_)), "{error}");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", cause.unwrap_or_default())
}

fn of_link(id: LinkId) -> EventFilter {
    EventFilter {
        link_id: Some(id.get()),
        ..EventFilter::default()
    }
}

#[tokio::test]
async fn a_fold_that_meets_damage_changes_nothing_and_is_done_when_that_is_mended() {
    for (damage, mended) in [
        (
            "UPDATE click_postings SET first_subject = first_subject + 100 WHERE kind = 0",
            "UPDATE click_postings SET first_subject = first_subject - 100 WHERE kind = 0",
        ),
        (
            "UPDATE click_postings SET entries = entries + 1 WHERE kind = 1",
            "UPDATE click_postings SET entries = entries - 1 WHERE kind = 1",
        ),
        (
            "UPDATE click_runs SET clicks = 5",
            "UPDATE click_runs SET clicks = 6",
        ),
        (
            "UPDATE click_runs SET clicks = -6",
            "UPDATE click_runs SET clicks = 6",
        ),
        (
            "UPDATE click_index SET indexed_through = 6",
            "UPDATE click_index SET indexed_through = 9",
        ),
    ] {
        let (_folder, path) = database().await;
        alter(&path, damage);
        let store = open(&path).await;
        let before = indexed_through(&path);
        let other = link(&store, "def").await;
        let some = |from| batch(from, from + 10, vec![click(&other); 6]);
        // One more than the block that is there.
        ship(&store, some(30)).await;
        assert_eq!(indexed_through(&path), before, "{damage}");
        assert_eq!(log(&store).await.len(), 18, "{damage}");
        assert_ne!(
            store.integrity_problems().await.expect("a check"),
            [""; 0],
            "{damage}"
        );

        alter(&path, mended);
        ship(&store, some(40)).await;
        assert_eq!(
            indexed_through(&path),
            before.max(9),
            "{damage}: not tried with every batch"
        );
        ship(&store, some(50)).await;
        assert!(indexed_through(&path) > 9, "{damage}");
        assert_eq!(click_count(&store, other.id).await, 22, "{damage}");
        let events = store.list_events(of_link(other.id), all()).await.expect("a page");
        assert_eq!(events.rows.len(), 23, "{damage}");
        assert_eq!(
            store.integrity_problems().await.expect("a check"),
            [""; 0],
            "{damage}"
        );
        store.close().await;
    }
}

#[tokio::test]
async fn a_link_whose_index_is_damaged_has_an_error_for_a_list() {
    for (damage, named) in [
        (
            "UPDATE click_postings SET first_subject = first_subject + 1",
            "FIND_NEXT_CHUNK holds bytes of an unknown format",
        ),
        (
            "UPDATE click_runs SET clicks = 9223372036854775807",
            "LIST_RUNS holds more or fewer clicks than a run of these ids can have",
        ),
    ] {
        let (_folder, path) = database().await;
        alter(&path, damage);
        let store = open(&path).await;
        let listed = said(store.list_events(of_link(link_id(1)), all()).await);
        assert!(listed.contains(named), "{listed}");
        assert_eq!(log(&store).await.len(), 12, "the log needs no index");
        store.close().await;
    }
}

#[tokio::test]
async fn totals_at_the_end_of_numbers_stay_there() {
    let (_folder, path) = database().await;
    // All the same, the largest number.
    alter(
        &path,
        "UPDATE click_totals SET body = x'01ffffffffffffff7f00' WHERE chunk = 0",
    );
    let store = open(&path).await;
    let other = link(&store, "def").await;
    assert_eq!(other.click_count, i64::MAX, "a click of it is in the tail");
    let recorded = store.append_event(new_event(2, "click", None)).await;
    recorded.expect("recorded");
    ship(&store, batch(30, 40, vec![click(&other); 6])).await;
    assert!(indexed_through(&path) > 9);
    assert_eq!(click_count(&store, other.id).await, i64::MAX);
    assert_eq!(create(&store, new_link("new")).await.click_count, i64::MAX);
    let problems = store.integrity_problems().await.expect("a check");
    let named = format!("link 2 has a total of {} clicks, but 11 events", i64::MAX);
    assert!(problems.contains(&named), "{problems:?}");
    store.close().await;
}

#[tokio::test]
async fn without_ids_to_give_nothing_is_stored_and_nothing_lost() {
    // The last ones cannot be given either: whoever takes some reckons with the one behind them.
    for last_id in [i64::MIN, -1, i64::MAX - 2, i64::MAX - 1, i64::MAX] {
        let (_folder, path) = database().await;
        alter(&path, &format!("UPDATE event_sequence SET last_id = {last_id}"));
        let store = open(&path).await;
        let other = link(&store, "def").await;
        let clicks: Vec<Click> = vec![click(&other), click(&other)];
        let shipped = said(store.ship_clicks(batch(30, 40, clicks.clone())).await);
        assert!(
            shipped.contains("event_sequence") || shipped.contains("TAKE"),
            "{shipped}"
        );

        alter(&path, "UPDATE event_sequence SET last_id = 12");
        assert_eq!(ship(&store, batch(30, 40, clicks)).await, Shipped::Done);
        assert_eq!(click_count(&store, other.id).await, 6);
        assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
        store.close().await;
    }
}
