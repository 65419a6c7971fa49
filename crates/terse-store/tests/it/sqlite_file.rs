//! What only a file can do: be reopened, full, damaged, of another program, copied.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use terse_core::{Click, LinkChange, LinkFilter};
use terse_store::{Created, Error, Result, Store, StoreOptions};
use tokio::task::JoinSet;

use crate::sample::{all, at, batch, click, click_count, code, create, create_user, link_id, new_link, ship};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("terse.sqlite")
}

async fn open(path: &Path) -> Result<Store> {
    Store::open(StoreOptions::new(path)).await
}

fn alter(path: &Path, statements: &str) {
    rusqlite::Connection::open(path)
        .and_then(|connection| connection.execute_batch(statements))
        .expect("a database that is not in use");
}

fn files_of(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn unavailable<T: std::fmt::Debug>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Unavailable(_)))
}

#[tokio::test]
async fn a_reopened_store_has_everything_and_its_folder_one_file() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let user = create_user(&store, "ann").await;
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    store.close().await;
    assert_eq!(files_of(&folder), ["terse.sqlite"]);

    let store = open(&file_in(&folder)).await.expect("the same file");
    assert_eq!(store.find_user(user.id).await.expect("an answer"), Some(user));
    assert_eq!(click_count(&store, link.id).await, 1);
    ship(&store, batch(10, 20, vec![click(&link)])).await;
    assert_eq!(click_count(&store, link.id).await, 2);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    // What a killed process leaves: the files as they are now.
    let wreck = tempfile::tempdir().expect("a folder");
    for name in ["terse.sqlite", "terse.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), wreck.path().join(name)).expect("a file");
    }
    let recovered = open(&file_in(&wreck)).await.expect("files of ours");
    assert_eq!(click_count(&recovered, link.id).await, 1);
    assert_eq!(recovered.integrity_problems().await.expect("a check"), [""; 0]);
}

#[tokio::test]
async fn a_closed_store_is_unavailable_and_can_be_closed_again() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let clone = store.clone();
    store.close().await;
    clone.close().await;
    assert!(unavailable(&clone.ping().await));
    assert!(unavailable(&clone.create_link(new_link("abc")).await));
}

#[tokio::test]
async fn closing_finishes_what_was_asked_for() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let mut writes = JoinSet::new();
    for index in 0..50 {
        let store = store.clone();
        writes.spawn(async move { store.create_link(new_link(&format!("c{index}"))).await });
    }
    tokio::task::yield_now().await;
    store.close().await;
    let outcomes = writes.join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.is_ok() || unavailable(outcome))
    );
    let acknowledged = outcomes.iter().filter(|outcome| outcome.is_ok()).count();

    let store = open(&file_in(&folder)).await.expect("the same file");
    let links = store
        .list_links(LinkFilter::default(), all())
        .await
        .expect("a page")
        .rows;
    assert_eq!(links.len(), acknowledged);
}

#[tokio::test]
async fn a_change_that_closing_refused_was_not_made() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let mut links = Vec::new();
    for index in 0..40 {
        links.push(create(&store, new_link(&format!("old{index}"))).await);
    }
    let mut changes = JoinSet::new();
    for link in links {
        let store = store.clone();
        changes.spawn(async move {
            let renamed = LinkChange {
                short_code: Some(code(&format!("new{}", link.id))),
                ..LinkChange::default()
            };
            let outcome = match link.id.get() % 2 {
                0 => store.update_link(link.id, renamed, at(2_000)).await.map(drop),
                _ => store.deactivate_link(&link.short_code, at(2_000)).await.map(drop),
            };
            (link, outcome)
        });
    }
    tokio::task::yield_now().await;
    store.close().await;

    let store = open(&file_in(&folder)).await.expect("the same file");
    for (before, outcome) in changes.join_all().await {
        let now = store
            .find_link(before.id)
            .await
            .expect("an answer")
            .expect("a link");
        assert_eq!(outcome.is_ok(), now != before, "{outcome:?}: {now:?}");
    }
}

#[tokio::test]
async fn a_store_with_one_reader_reads_everything() {
    let folder = folder();
    let mut options = StoreOptions::new(file_in(&folder));
    options.readers = 0;
    let store = Store::open(options).await.expect("an empty folder");
    create(&store, new_link("abc")).await;
    assert!(
        store
            .find_redirect(&code("abc"))
            .await
            .expect("an answer")
            .is_some()
    );
    assert_eq!(
        store
            .list_links(LinkFilter::default(), all())
            .await
            .expect("a page")
            .rows
            .len(),
        1
    );
    store.close().await;
}

#[tokio::test]
async fn databases_of_other_programs_are_refused_with_the_reason() {
    for (statements, reason) in [
        (
            "INSERT INTO schema_migrations VALUES ('9999_future', 1)",
            "the database cannot be used: it was made by a newer version: this program does not know its migration \
             9999_future",
        ),
        (
            "UPDATE schema_migrations SET checksum = 1",
            "the database cannot be used: its migration 0001_first differs from this program's",
        ),
    ] {
        let folder = folder();
        open(&file_in(&folder))
            .await
            .expect("an empty folder")
            .close()
            .await;
        alter(&file_in(&folder), statements);
        let refused = open(&file_in(&folder)).await.expect_err("not ours");
        assert_eq!(refused.to_string(), reason);
        assert!(matches!(refused, Error::Unusable(_)));
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = folder();
    std::fs::write(file_in(&folder), "dear diary, ".repeat(1_000)).expect("a file");
    let refused = open(&file_in(&folder)).await.expect_err("a diary");
    assert!(matches!(refused, Error::Unusable(_)), "{refused:?}");
    let nowhere = open(&folder.path().join("missing").join("terse.sqlite")).await;
    assert!(unavailable(&nowhere), "{nowhere:?}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let folder = folder();
    alter(&file_in(&folder), "CREATE TABLE journal_positions (x)");
    let refused = open(&file_in(&folder)).await.expect_err("a table is in the way");
    assert!(matches!(refused, Error::Internal(_)), "{refused:?}");
    alter(&file_in(&folder), "DROP TABLE journal_positions");
    open(&file_in(&folder))
        .await
        .expect("nothing in the way")
        .ping()
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_passes() {
    let folder = folder();
    let mut options = StoreOptions::new(file_in(&folder));
    options.size_max_bytes = Some(256 * 1024);
    let store = Store::open(options).await.expect("an empty folder");
    let first = create(&store, new_link("first")).await;

    let mut writes = JoinSet::new();
    for index in 0..400 {
        let mut link = new_link(&format!("c{index}"));
        link.target = format!("https://example.com/{}", "x".repeat(4_000))
            .parse()
            .expect("a target");
        let store = store.clone();
        writes.spawn(async move { store.create_link(link).await });
    }
    let outcomes = writes.join_all().await;
    assert!(outcomes.iter().any(unavailable), "256 KiB held 1.6 MB");
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.is_ok() || unavailable(outcome))
    );
    let spread = (0..100_000).map(|index| Click {
        at: at(index << 40),
        ..click(&first)
    });
    let batch_too_large = batch(0, 10, spread.collect());
    assert!(unavailable(&store.ship_clicks(batch_too_large).await));

    let created = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Created::Link(link)) => Some(link.id),
        _ => None,
    });
    let links = store
        .list_links(LinkFilter::default(), all())
        .await
        .expect("reads go on")
        .rows;
    assert!(
        created.clone().all(|id| links.iter().any(|link| link.id == id)),
        "one was lost"
    );
    // An operator makes room.
    alter(
        &file_in(&folder),
        "DELETE FROM links WHERE id <> 1; DELETE FROM events WHERE id > 1",
    );
    ship(&store, batch(0, 10, vec![click(&first)])).await;
    assert_eq!(click_count(&store, first.id).await, 1);
    assert_eq!(store.integrity_problems().await.expect("a check"), [""; 0]);
}

#[tokio::test]
async fn wrong_totals_and_orphans_are_problems() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    create(&store, new_link("def")).await;
    store.close().await;
    alter(
        &file_in(&folder),
        "PRAGMA foreign_keys = OFF; UPDATE links SET user_id = 77 WHERE id = 2; \
         INSERT INTO click_totals (chunk, body) VALUES (0, CAST(X'010000000000000000010005' || zeroblob(254) AS BLOB))",
    );
    let store = open(&file_in(&folder)).await.expect("the same file");
    assert_eq!(
        store.integrity_problems().await.expect("a check"),
        [
            "a row of links refers to a row of users that is gone",
            "link 1 has a total of 5 clicks, but 0 events",
        ]
    );
}

#[tokio::test]
async fn rows_that_this_program_cannot_have_written_are_errors() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    create(&store, new_link("abc")).await;
    for (damage, repair) in [
        ("short_code = 'a b'", "short_code = 'abc'"),
        ("is_active = 7", "is_active = 1"),
        ("version = 'x'", "version = 1"),
        (
            "title = 5.5e0 || '' , original_url = CAST(x'ff' AS TEXT)",
            "title = NULL, original_url = 'u'",
        ),
        ("title = x'00'", "title = NULL"),
    ] {
        alter(&file_in(&folder), &format!("UPDATE links SET {damage}"));
        let outcome = store.find_link(link_id(1)).await;
        assert!(
            matches!(outcome, Err(Error::Internal(_))),
            "{damage}: {outcome:?}"
        );
        alter(&file_in(&folder), &format!("UPDATE links SET {repair}"));
    }
    store
        .find_link(link_id(1))
        .await
        .expect("an answer")
        .expect("a link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_store_is_one_of_its_states() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 1, vec![click(&link); 20_000])).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writes = JoinSet::new();
    let (clone, may_end, click) = (store.clone(), Arc::clone(&is_over), click(&link));
    writes.spawn(async move {
        let mut step = 1;
        while !may_end.load(Ordering::Relaxed) {
            ship(&clone, batch(step, step + 1, vec![click; 100])).await;
            step += 1;
        }
    });

    let target = folder.path().join("copy.sqlite");
    let mut progress = Vec::new();
    let copied = Store::backup_to(&file_in(&folder), &target, |done, total| {
        progress.push((done, total));
    });
    is_over.store(true, Ordering::Relaxed);
    writes.join_all().await;
    copied.expect("a copy");

    assert!(progress.is_sorted(), "started over: {progress:?}");
    assert!(
        progress.last().is_some_and(|(done, total)| done == total),
        "{progress:?}"
    );
    let copy = open(&target).await.expect("a database");
    assert_eq!(copy.integrity_problems().await.expect("a check"), [""; 0]);
    assert!(click_count(&copy, link.id).await >= 20_000);
    copy.close().await;
    store.close().await;
    assert_eq!(files_of(&folder), ["copy.sqlite", "terse.sqlite"]);
}

#[test]
fn a_backup_that_fails_leaves_no_file() {
    let folder = folder();
    let target = folder.path().join("copy.sqlite");
    let missing = Store::backup_to(&folder.path().join("missing.sqlite"), &target, |_, _| ());
    assert!(unavailable(&missing), "{missing:?}");
    assert_eq!(files_of(&folder), [""; 0]);
    let nowhere = Store::backup_to(
        &target,
        &folder.path().join("missing").join("copy.sqlite"),
        |_, _| (),
    );
    assert!(unavailable(&nowhere), "{nowhere:?}");
}

#[tokio::test]
async fn a_backup_of_a_store_that_is_not_in_use_changes_nothing_in_it() {
    let folder = folder();
    let store = open(&file_in(&folder)).await.expect("an empty folder");
    create(&store, new_link("abc")).await;
    store.close().await;
    let before = std::fs::read(file_in(&folder)).expect("a file");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = elsewhere.path().join("copy.sqlite");
    std::fs::write(&target, "an older copy").expect("a file");
    Store::backup_to(&file_in(&folder), &target, |_, _| ()).expect("a copy");
    assert_eq!(std::fs::read(file_in(&folder)).expect("a file"), before);
    open(&file_in(&folder))
        .await
        .expect("the same file")
        .close()
        .await;
    assert_eq!(files_of(&folder), ["terse.sqlite"]);
    assert_eq!(files_of(&elsewhere), ["copy.sqlite"]);
    let copy = open(&target).await.expect("a database");
    assert!(
        copy.find_redirect(&code("abc"))
            .await
            .expect("an answer")
            .is_some()
    );
}
