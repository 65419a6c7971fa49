//! Whole databases copied between engines.

use terse_core::{EventFilter, Link, LinkChange, LinkFilter, ShortCode};
use terse_store::{Copied, CopyError, Error, Occupied, Place, Store};

use crate::engine::{Database, run};
use crate::sample::{
    JOURNAL, all, at, batch, click_count, clicks_from, code, create, create_user, link_id, log, new_event,
    new_link, new_user, position, ship, visited,
};

/// Every row that a store has, as its callers see them.
async fn contents(store: &Store) -> String {
    let users = store.list_users(all()).await.expect("a page");
    let links = store
        .list_links(LinkFilter::default(), all())
        .await
        .expect("a page");
    let events = store
        .list_events(EventFilter::default(), all())
        .await
        .expect("a page");
    let positions = store.load_positions(JOURNAL).await.expect("positions");
    format!("{users:#?}\n{links:#?}\n{events:#?}\n{positions:?}")
}

/// Something in each table, and holes where ids were given that are not in use any more.
async fn fill(store: &Store) -> Link {
    let ann = create_user(store, "ann").await;
    let gone = create_user(store, "gone").await;
    let link = create(
        store,
        terse_core::NewLink {
            owner: Some(ann.id),
            title: Some("Ünï, \"quoted\" and\\more".parse().expect("a title")),
            ..new_link("one")
        },
    )
    .await;
    let two = create(store, new_link("two")).await;
    let change = LinkChange {
        target: Some("https://example.org/2".parse().expect("a target")),
        ..LinkChange::default()
    };
    store
        .update_link(two.id, change, at(9_000))
        .await
        .expect("an answer");
    let three = create(store, new_link("three")).await;
    store.delete_link(three.id, at(9_000)).await.expect("an answer");
    store.delete_user(gone.id).await.expect("an answer");
    store
        .append_event(new_event(1, "click", Some(r#"{"from":"elsewhere"}"#)))
        .await
        .expect("stored");
    for round in 0..3 {
        let (clicks, texts) = clicks_from(&link, &["curl/8", "Mözilla"]);
        let clicks = terse_store::ClickBatch {
            texts,
            visited: vec![visited(&link)],
            ..batch(round, round + 1, clicks)
        };
        ship(store, clicks).await;
    }
    link
}

/// Copies, and compares what the callers of both see.
async fn copy_and_compare(from: &Database, to: &Database) -> Vec<Copied> {
    let mut steps = Vec::new();
    let (source, target) = (from.options().place, to.options().place);
    let copied = Store::copy(&source, &target, Occupied::Refuse, |done, total| {
        steps.push((done, total));
    })
    .await
    .expect("an empty target");
    let rows: u64 = copied.iter().map(|table| table.rows).sum();
    assert_eq!(steps.last(), Some(&(2 * rows, 2 * rows)), "{steps:?}");
    let before = Store::open(from.options()).await.expect("a store");
    let after = Store::open(to.options()).await.expect("a store");
    assert_eq!(contents(&after).await, contents(&before).await);
    before.close().await;
    after.close().await;
    copied
}

/// What was copied is a store like any other, that goes on where the other one was.
async fn assert_it_goes_on(database: &Database, link: &Link) {
    let store = Store::open(database.options()).await.expect("a store");
    assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
    assert_eq!(click_count(&store, link.id).await, 7);
    let (clicks, texts) = clicks_from(link, &["curl/8", "a new one"]);
    let again = terse_store::ClickBatch {
        texts,
        ..batch(2, 3, clicks.clone())
    };
    ship(&store, again).await;
    assert_eq!(click_count(&store, link.id).await, 7, "stored already");
    let (_, texts) = clicks_from(link, &["curl/8", "a new one"]);
    let more = terse_store::ClickBatch {
        texts,
        ..batch(3, 4, clicks)
    };
    ship(&store, more).await;
    assert_eq!(click_count(&store, link.id).await, 9);
    assert_eq!(
        store.load_positions(JOURNAL).await.expect("positions"),
        [(0, position(4))]
    );
    let ids = (
        create_user(&store, "later").await.id.get(),
        create(&store, new_link("later")).await.id,
    );
    assert_eq!(ids, (3, link_id(4)), "an id is never given twice");
    assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
    store.close().await;
}

/// A database of `make`'s engine with something of everything, its clicks indexed or not.
async fn filled(make: fn() -> Database, unindexed_blocks_max: u32) -> (Database, Link) {
    let database = make();
    let mut options = database.options();
    options.unindexed_blocks_max = unindexed_blocks_max;
    let store = Store::open(options).await.expect("a store");
    let link = fill(&store).await;
    store.close().await;
    (database, link)
}

fn from_to(from: fn() -> Database, to: fn() -> Database) {
    run(async {
        for unindexed_blocks_max in [1, 1_000] {
            let (source, link) = filled(from, unindexed_blocks_max).await;
            let target = to();
            let there = copy_and_compare(&source, &target).await;
            let again = from();
            let back = copy_and_compare(&target, &again).await;
            assert_eq!(there, back, "sums are the same in every engine");
            assert_it_goes_on(&target, &link).await;
            assert_it_goes_on(&again, &link).await;
        }
    });
}

#[test]
fn a_file_moves_to_a_server_and_back_with_everything() {
    from_to(Database::sqlite, Database::postgres);
}

#[test]
fn a_file_moves_to_another_file_with_everything() {
    from_to(Database::sqlite, Database::sqlite);
}

#[test]
fn a_database_moves_to_another_one_of_a_server_with_everything() {
    from_to(Database::postgres, Database::postgres);
}

#[test]
fn a_target_with_rows_is_left_alone_unless_it_is_to_be_emptied() {
    run(async {
        for make in [Database::sqlite, Database::postgres] {
            let (source, _) = filled(Database::sqlite, 1).await;
            let target = make();
            let store = Store::open(target.options()).await.expect("a store");
            create(&store, new_link("mine")).await;
            store.close().await;
            let (from, to) = (source.options().place, target.options().place);
            let refused = Store::copy(&from, &to, Occupied::Refuse, |_, _| ()).await;
            assert!(
                matches!(refused, Err(CopyError::Occupied("links"))),
                "{refused:?}"
            );
            let store = Store::open(target.options()).await.expect("a store");
            assert!(has(&store, &code("mine")).await);
            store.close().await;
            Store::copy(&from, &to, Occupied::Empty, |_, _| ())
                .await
                .expect("emptied");
            let store = Store::open(target.options()).await.expect("a store");
            assert!(!has(&store, &code("mine")).await);
            assert!(has(&store, &code("one")).await);
            assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
            store.close().await;
        }
    });
}

async fn has(store: &Store, code: &ShortCode) -> bool {
    store.find_redirect(code).await.expect("an answer").is_some()
}

#[test]
fn a_copy_that_cannot_be_finished_leaves_nothing() {
    run(async {
        let (source, _) = filled(Database::sqlite, 1).await;
        let Place::File(file) = source.options().place else {
            unreachable!("a file")
        };
        // What no text of a server can be, in the last table that has texts.
        let damaged = rusqlite::Connection::open(&file).expect("a database");
        let zero = "UPDATE texts SET content = 'a' || char(0) WHERE id = (SELECT max(id) FROM texts)";
        assert_eq!(damaged.execute(zero, []), Ok(1));
        drop(damaged);
        let target = Database::postgres();
        let to = target.options().place;
        let refused = Store::copy(&source.options().place, &to, Occupied::Refuse, |_, _| ()).await;
        assert!(matches!(refused, Err(CopyError::Target(_))), "{refused:?}");
        let store = Store::open(target.options()).await.expect("a store");
        assert_eq!(store.list_users(all()).await.expect("a page").rows, []);
        assert_eq!(log(&store).await, []);
        let given = store
            .import_users(vec![terse_core::NewUser {
                id: Some(crate::sample::user_id(1)),
                ..new_user("ann")
            }])
            .await;
        assert!(given.is_ok(), "{given:?}");
        let next = create_user(&store, "next").await.id.get();
        assert!(next > 1, "given ids move sequences again: {next}");
        store.close().await;
    });
}

#[test]
fn a_source_of_an_older_schema_is_not_touched_and_the_way_out_named() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("old.db");
        Store::migrate(terse_store::StoreOptions::new(&file))
            .await
            .expect("made");
        let old = rusqlite::Connection::open(&file).expect("a database");
        old.execute("DELETE FROM schema_migrations WHERE name > '0001_first'", [])
            .expect("older");
        let (from, to) = (Place::File(file), Database::sqlite().options().place);
        let refused = Store::copy(&from, &to, Occupied::Refuse, |_, _| ()).await;
        let Err(CopyError::Source(error)) = refused else {
            panic!("an older source is refused");
        };
        assert!(
            error.to_string().ends_with("`terse migrate` does that"),
            "{error}"
        );
    });
}

#[test]
fn migrating_tells_what_it_did_once() {
    run(async {
        for make in [Database::sqlite, Database::postgres] {
            let database = make();
            let (one, two) = if matches!(database, Database::Sqlite(_)) {
                let one = Store::migrate(database.options()).await;
                (one, Store::migrate(database.options()).await)
            } else {
                tokio::join!(
                    Store::migrate(database.options()),
                    Store::migrate(database.options())
                )
            };
            let mut steps = one.expect("migrated");
            steps.extend(two.expect("migrated"));
            assert_eq!(steps.first(), Some(&"0001_first"));
            assert!(steps.is_sorted() && steps.len() > 1, "each once: {steps:?}");
        }
    });
}

#[test]
fn a_frozen_store_sees_the_state_of_its_opening_and_leaves_the_schema_alone() {
    run(async {
        let (database, _) = filled(Database::postgres, 1).await;
        let mut frozen = database.options();
        frozen.is_frozen = true;
        let (live, still) = (
            Store::open(database.options()).await.expect("a store"),
            Store::open(frozen.clone()).await.expect("a store"),
        );
        let before = contents(&still).await;
        create_user(&live, "later").await;
        create(&live, new_link("later")).await;
        assert_eq!(contents(&still).await, before);
        assert_eq!(still.integrity_problems().await.expect("a check"), [""; 0]);
        assert_ne!(contents(&live).await, before);
        live.close().await;
        still.close().await;
        frozen.place = Database::postgres().options().place;
        let refused = Store::open(frozen).await.map(drop);
        assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
    });
}
