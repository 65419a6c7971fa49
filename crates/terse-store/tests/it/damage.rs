//! Damage to each table that clicks are in: the check says what is wrong, and does not fail itself.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use terse_store::{ClickBatch, Store, StoreOptions};

use crate::sample::{at, batch, click, clicks_from, create, create_user, new_event, new_link, ship};

/// Two folded batches of three clicks, one in the tail, and rows around them.
pub(crate) async fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("terse.sqlite");
    let mut options = StoreOptions::new(&path);
    options.unindexed_blocks_max = 1;
    let store = Store::open(options).await.expect("an empty folder");
    let mut new = new_link("abc");
    new.owner = Some(create_user(&store, "ann").await.id);
    let link = create(&store, new).await;
    let other = create(&store, new_link("def")).await;
    let (clicks, texts) = clicks_from(&link, &["one", "two"]);
    let owned = ClickBatch {
        texts,
        ..batch(0, 10, [clicks, vec![click(&other)]].concat())
    };
    ship(&store, owned).await;
    let gone = create(&store, new_link("gone")).await;
    ship(
        &store,
        batch(10, 20, vec![click(&other), click(&other), click(&gone)]),
    )
    .await;
    store
        .delete_link(gone.id, at(5_000))
        .await
        .expect("an answer")
        .expect("a link");
    store
        .append_event(new_event(300, "click", None))
        .await
        .expect("recorded");
    store.close().await;
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    ship(&store, batch(20, 30, vec![click(&other)])).await;
    assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
    store.close().await;
    (folder, path)
}

/// Runs `statements` on the file.
pub(crate) fn alter(path: &Path, statements: &str) {
    rusqlite::Connection::open(path)
        .and_then(|connection| connection.execute_batch(statements))
        .expect("a database that nobody writes just now");
}

async fn problems_after(damage: &str) -> Vec<String> {
    let (_folder, path) = database().await;
    alter(&path, damage);
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    let problems = store.integrity_problems().await.expect("a check");
    store.close().await;
    problems
}

#[tokio::test]
async fn damage_is_said_by_what_it_is() {
    for (damage, problems) in [
        (
            "UPDATE click_blocks SET body = substr(body, 1, 20) WHERE first_id = 3",
            vec!["the clicks from id 3 on cannot be read"],
        ),
        (
            "UPDATE click_blocks SET body = 'text' WHERE first_id = 3",
            vec!["the clicks from id 3 on cannot be read"],
        ),
        (
            "DELETE FROM click_blocks WHERE first_id = 3",
            vec![
                "the index of clicks 3 to 9 by link is not that of the clicks",
                "the index of clicks 3 to 9 by owner is not that of the clicks",
                "link 1 has a total of 2 clicks, but 0 events",
                "link 2 has a total of 3 clicks, but 2 events",
            ],
        ),
        (
            "UPDATE click_blocks SET first_id = 4 WHERE first_id = 3",
            vec![
                "clicks from id 4 on overlap with other events",
                "the index of clicks 3 to 9 by link is not that of the clicks",
                "the index of clicks 3 to 9 by owner is not that of the clicks",
            ],
        ),
        (
            "UPDATE click_totals SET body = substr(body, 2) WHERE chunk = 0",
            vec!["the totals in chunk 0 cannot be read"],
        ),
        (
            "DELETE FROM click_totals WHERE chunk = 1",
            vec!["link 300 has a total of 0 clicks, but 1 events"],
        ),
        (
            "DELETE FROM click_index",
            vec!["nothing says how far clicks are indexed"],
        ),
        (
            "UPDATE click_index SET indexed_through = 6",
            vec![
                "clicks from id 7 on are not indexed as they should be",
                "the index of clicks 3 to 9 by link is not that of the clicks",
                "link 2 has a total of 3 clicks, but 1 events",
                "link 3 has a total of 1 clicks, but 0 events",
            ],
        ),
        (
            "DELETE FROM event_sequence",
            vec!["nothing says which event ids were given"],
        ),
        (
            "UPDATE event_sequence SET last_id = 11",
            vec!["events have ids up to 12, but only 11 were given"],
        ),
        (
            "UPDATE event_sequence SET last_id = 9223372036854775807",
            vec!["no event can be stored any more: the highest id was given"],
        ),
        (
            "DELETE FROM events WHERE event_type = 'click'",
            vec!["link 300 has a total of 1 clicks, but 0 events"],
        ),
        (
            "DELETE FROM texts WHERE content = 'two'",
            vec!["the click with id 4 has text 2, which is gone"],
        ),
        (
            "DELETE FROM link_versions",
            vec!["nothing says what link 3 was at version 1, which has clicks"],
        ),
    ] {
        assert_eq!(problems_after(damage).await, problems, "{damage}");
    }
}

#[tokio::test]
async fn damage_to_the_index_is_said_by_what_it_is() {
    for (damage, problems) in [
        (
            "UPDATE click_postings SET body = substr(body, 2) WHERE kind = 0",
            vec!["the index of clicks 3 to 9 by link cannot be read"],
        ),
        (
            "UPDATE click_postings SET entries = 1000000000000000 WHERE kind = 1",
            vec!["the index of clicks 3 to 9 by owner cannot be read"],
        ),
        // Whoever read on behind its first posting would find the same chunk again, for ever.
        (
            "UPDATE click_postings SET first_subject = 100 WHERE kind = 0",
            vec!["the index of clicks 3 to 9 by link cannot be read"],
        ),
        (
            "UPDATE click_postings SET first_id = first_id + 1 WHERE kind = 1",
            vec!["the index of clicks 3 to 9 by owner cannot be read"],
        ),
        (
            "INSERT INTO click_postings SELECT run_id, kind, 1, 4, 1, \
             x'01010000000000000000040000000000000000' FROM click_postings WHERE kind = 0",
            vec!["the index of clicks 3 to 9 by link cannot be read"],
        ),
        (
            "UPDATE click_runs SET clicks = 5",
            vec!["the index of clicks 3 to 9 by link has 6 clicks, but its row says 5"],
        ),
        (
            "UPDATE click_runs SET clicks = 9223372036854775807",
            vec!["the row of the index of clicks from id 3 on cannot be read"],
        ),
        (
            "UPDATE click_runs SET last_id = -9223372036854775808",
            vec!["the row of the index of clicks from id 3 on cannot be read"],
        ),
        (
            "DELETE FROM click_postings WHERE kind = 1",
            vec!["the index of clicks 3 to 9 by owner is not that of the clicks"],
        ),
        (
            "DELETE FROM click_runs",
            vec![
                "clicks from id 3 on are not indexed as they should be",
                "clicks from id 7 on are not indexed as they should be",
                "there is an index of clicks from 3 on that is in no list",
            ],
        ),
    ] {
        assert_eq!(problems_after(damage).await, problems, "{damage}");
    }
}

#[tokio::test]
async fn of_much_damage_a_hundred_sentences_are_enough() {
    let (_folder, path) = database().await;
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    for number in 0..150 {
        store
            .append_event(new_event(number, "click", None))
            .await
            .expect("recorded");
    }
    store.close().await;
    alter(&path, "DELETE FROM click_totals");
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    assert_eq!(store.integrity_problems().await.expect("a check").len(), 100);
}

#[tokio::test]
async fn a_text_that_is_gone_does_not_hide_the_click() {
    let (_folder, path) = database().await;
    alter(&path, "DELETE FROM texts");
    let store = Store::open(StoreOptions::new(&path)).await.expect("a store");
    let log = crate::sample::log(&store).await;
    let shown: Vec<_> = log
        .iter()
        .filter(|(event_type, _)| event_type == "click")
        .collect();
    assert_eq!(shown.len(), 8);
    assert_eq!(
        shown[0].1,
        r#"{"short_code":"abc","original_url":"https://example.com/abc"}"#
    );
}
