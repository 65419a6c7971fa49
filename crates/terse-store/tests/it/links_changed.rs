//! Updating, deactivating and deleting links.

use terse_core::{LinkChange, LinkFilter};
use terse_store::{Conflict, Error, Store};

use crate::engine::on_every_engine;
use crate::sample::{all, at, batch, click, code, codes, create, link_id, log, new_link, ship};

on_every_engine![
    an_update_changes_what_it_names_and_records_each_field,
    an_update_to_the_same_values_raises_the_version_only,
    an_update_of_nothing_touches_nothing,
    the_time_of_change_never_steps_back,
    an_update_to_a_taken_code_changes_nothing,
    an_updated_link_is_found_by_its_new_texts_only,
    what_does_not_exist_cannot_be_changed,
    deactivating_twice_is_deactivating_once,
    a_deactivated_link_can_be_activated_again,
    a_deleted_link_leaves_its_events_and_frees_its_code,
];

fn change() -> LinkChange {
    LinkChange::default()
}

async fn an_update_changes_what_it_names_and_records_each_field(store: Store) {
    let link = create(&store, new_link("old")).await;
    let every_field = LinkChange {
        short_code: Some(code("new")),
        target: Some("https://example.org/2".parse().expect("a target")),
        title: Some(Some("Title".parse().expect("a title"))),
        is_active: Some(false),
    };
    let updated = store.update_link(link.id, every_field, at(9_000)).await;
    let updated = updated.expect("an answer").expect("a link");

    assert_eq!(updated.before, code("old"));
    assert_eq!((updated.link.version, updated.link.updated_at), (2, at(9_000)));
    assert_eq!(updated.link.created_at, link.created_at);
    assert_eq!(
        store.find_link(link.id).await.expect("an answer"),
        Some(updated.link)
    );
    let removed_title = LinkChange {
        title: Some(None),
        ..change()
    };
    store
        .update_link(link.id, removed_title, at(9_001))
        .await
        .expect("an answer");
    let log: Vec<_> = log(&store)
        .await
        .into_iter()
        .skip(1)
        .map(|(_, details)| details)
        .collect();
    assert_eq!(
        log,
        [
            r#"{"field":"short_code","new_value":"new"}"#,
            r#"{"field":"original_url","new_value":"https://example.org/2"}"#,
            r#"{"field":"title","new_value":"Title"}"#,
            r#"{"field":"is_active","new_value":false}"#,
            r#"{"field":"title","new_value":null}"#,
        ]
    );
    assert_eq!(store.find_redirect(&code("old")).await.expect("an answer"), None);
}

async fn an_update_to_the_same_values_raises_the_version_only(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let same = LinkChange {
        short_code: Some(code("abc")),
        target: Some(link.original_url.parse().expect("a target")),
        title: Some(None),
        is_active: Some(true),
    };
    let updated = store.update_link(link.id, same, at(9_000)).await;
    let updated = updated.expect("an answer").expect("a link").link;
    assert_eq!((updated.version, updated.updated_at), (2, at(9_000)));
    assert_eq!(log(&store).await.len(), 1);
}

async fn an_update_of_nothing_touches_nothing(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let updated = store.update_link(link.id, change(), at(9_000)).await;
    assert_eq!(updated.expect("an answer").expect("a link").link, link);
}

async fn the_time_of_change_never_steps_back(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let off = LinkChange {
        is_active: Some(false),
        ..change()
    };
    let updated = store
        .update_link(link.id, off, at(1))
        .await
        .expect("an answer")
        .expect("a link");
    assert_eq!((updated.link.version, updated.link.updated_at), (2, at(1_000)));
}

async fn an_update_to_a_taken_code_changes_nothing(store: Store) {
    create(&store, new_link("taken")).await;
    let link = create(&store, new_link("abc")).await;
    let greedy = LinkChange {
        short_code: Some(code("taken")),
        is_active: Some(false),
        ..change()
    };
    let updated = store.update_link(link.id, greedy, at(9_000)).await;
    assert!(
        matches!(updated, Err(Error::Conflict(Conflict::ShortCode))),
        "{updated:?}"
    );
    assert_eq!(store.find_link(link.id).await.expect("an answer"), Some(link));
    assert_eq!(log(&store).await.len(), 2);
}

async fn an_updated_link_is_found_by_its_new_texts_only(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let moved = LinkChange {
        target: Some("https://example.org/NEW".parse().expect("a target")),
        ..change()
    };
    store
        .update_link(link.id, moved, at(9_000))
        .await
        .expect("an answer");
    for (search, found) in [("example.com", 0), ("example.org/new", 1)] {
        let filter = LinkFilter {
            search: Some(search.parse().expect("a search")),
            ..LinkFilter::default()
        };
        assert_eq!(codes(&store, filter).await.len(), found, "{search}");
    }
}

async fn what_does_not_exist_cannot_be_changed(store: Store) {
    let off = LinkChange {
        is_active: Some(false),
        ..change()
    };
    assert_eq!(
        store
            .update_link(link_id(1), off, at(1))
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(
        store
            .update_link(link_id(1), change(), at(1))
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(
        store
            .deactivate_link(&code("abc"), at(1))
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(
        store.delete_link(link_id(1), at(1)).await.expect("an answer"),
        None
    );
    assert_eq!(log(&store).await.len(), 0);
}

async fn deactivating_twice_is_deactivating_once(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let once = store
        .deactivate_link(&link.short_code, at(2_000))
        .await
        .expect("an answer");
    let once = once.expect("a link");
    assert_eq!(
        (once.is_active, once.version, once.updated_at),
        (false, 2, at(2_000))
    );
    let twice = store
        .deactivate_link(&link.short_code, at(3_000))
        .await
        .expect("an answer");
    assert_eq!(twice, Some(once));
    let deleted = ("deleted".to_owned(), r#"{"reason":"user_requested"}"#.to_owned());
    assert_eq!(log(&store).await[1..], [deleted]);
    let redirect = store
        .find_redirect(&link.short_code)
        .await
        .expect("an answer")
        .expect("kept");
    assert_eq!((redirect.is_active, redirect.version), (false, 2));
}

async fn a_deactivated_link_can_be_activated_again(store: Store) {
    let link = create(&store, new_link("abc")).await;
    store
        .deactivate_link(&link.short_code, at(2_000))
        .await
        .expect("an answer");
    let on = LinkChange {
        is_active: Some(true),
        ..change()
    };
    let updated = store
        .update_link(link.id, on, at(3_000))
        .await
        .expect("an answer")
        .expect("a link");
    assert_eq!((updated.link.is_active, updated.link.version), (true, 3));
}

async fn a_deleted_link_leaves_its_events_and_frees_its_code(store: Store) {
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    let deleted = store
        .delete_link(link.id, at(4_000))
        .await
        .expect("an answer")
        .expect("a link");
    assert_eq!(deleted.short_code, link.short_code);
    assert_eq!(store.find_link(link.id).await.expect("an answer"), None);
    assert_eq!(
        store.delete_link(link.id, at(5_000)).await.expect("an answer"),
        None
    );

    let events = store
        .list_events(terse_core::EventFilter::default(), all())
        .await
        .expect("a page");
    let types: Vec<_> = events
        .rows
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    assert_eq!(types, ["created", "click", "deleted"]);
    let again = create(&store, new_link("abc")).await;
    assert_eq!(again.click_count, 0);
}
