//! Finding, listing and creating links.

use terse_core::{LinkFilter, PageRequest};
use terse_store::{Conflict, Created, Error, RedirectRow, Store};
use tokio::task::JoinSet;

use crate::engine::on_every_engine;
use crate::sample::{all, at, code, codes, create, create_user, link_id, log, new_event, new_link, user_id};

on_every_engine![
    a_created_link_reads_back_everywhere,
    what_does_not_exist_is_absent,
    a_taken_code_is_a_conflict_and_leaves_no_event,
    codes_differ_by_case,
    of_a_hundred_who_want_a_code_one_gets_it,
    a_link_of_nobody_known_is_not_created,
    events_that_named_a_link_before_it_existed_count,
    lists_are_filtered_by_owner_and_state,
    searches_find_what_they_say_and_nothing_else,
    pages_follow_one_another_by_key_and_by_offset,
    hostile_texts_are_only_texts,
    the_highest_id_outlives_its_link,
];

async fn a_created_link_reads_back_everywhere(store: Store) {
    let owner = create_user(&store, "ann").await.id;
    let mut new = new_link("Abc-1");
    new.owner = Some(owner);
    new.title = Some("A  title".parse().expect("a title"));
    new.updated_at = at(1_500);
    let link = create(&store, new).await;

    assert_eq!((link.click_count, link.version), (0, 1));
    assert_eq!((link.created_at, link.updated_at), (at(1_000), at(1_500)));
    assert_eq!(link.title.as_deref(), Some("A  title"));
    assert_eq!(
        store.find_link(link.id).await.expect("an answer"),
        Some(link.clone())
    );
    let redirect = store.find_redirect(&link.short_code).await.expect("an answer");
    assert_eq!(
        redirect,
        Some(RedirectRow {
            as_of: 1, // its event's
            id: link.id,
            owner: Some(owner),
            original_url: link.original_url.clone(),
            is_active: true,
            version: 1,
        })
    );
    let page = store
        .list_links(LinkFilter::default(), all())
        .await
        .expect("a page");
    assert_eq!((page.rows, page.has_more), (vec![link], false));
    let details = r#"{"short_code":"Abc-1","original_url":"https://example.com/Abc-1"}"#;
    assert_eq!(log(&store).await, [("created".to_owned(), details.to_owned())]);
}

async fn what_does_not_exist_is_absent(store: Store) {
    store.ping().await.expect("an empty store answers");
    assert_eq!(store.highest_link_id().await.expect("an answer"), 0);
    assert_eq!(store.find_link(link_id(1)).await.expect("an answer"), None);
    assert_eq!(store.find_redirect(&code("abc")).await.expect("an answer"), None);
    assert_eq!(codes(&store, LinkFilter::default()).await, [""; 0]);
}

async fn a_taken_code_is_a_conflict_and_leaves_no_event(store: Store) {
    create(&store, new_link("abc")).await;
    let again = store.create_link(new_link("abc")).await;
    assert!(
        matches!(again, Err(Error::Conflict(Conflict::ShortCode))),
        "{again:?}"
    );
    assert_eq!(log(&store).await.len(), 1);

    let mut same_id = new_link("other");
    same_id.id = Some(link_id(1));
    let again = store.create_link(same_id).await;
    assert!(
        matches!(again, Err(Error::Conflict(Conflict::LinkId))),
        "{again:?}"
    );
}

async fn codes_differ_by_case(store: Store) {
    let lower = create(&store, new_link("abc")).await;
    let upper = create(&store, new_link("ABC")).await;
    let found = store.find_redirect(&code("ABC")).await.expect("an answer");
    assert_eq!(found.map(|row| row.id), Some(upper.id));
    assert_ne!(lower.id, upper.id);
}

async fn of_a_hundred_who_want_a_code_one_gets_it(store: Store) {
    let mut tries = JoinSet::new();
    for _ in 0..100 {
        let store = store.clone();
        tries.spawn(async move { store.create_link(new_link("wanted")).await });
    }
    let outcomes = tries.join_all().await;
    let created = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let taken = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(Error::Conflict(Conflict::ShortCode))))
        .count();
    assert_eq!((created, taken), (1, 99));
    assert_eq!(log(&store).await.len(), 1);
}

async fn a_link_of_nobody_known_is_not_created(store: Store) {
    let mut new = new_link("abc");
    new.owner = Some(user_id(7));
    assert_eq!(
        store.create_link(new).await.expect("an answer"),
        Created::NoSuchUser
    );
    assert_eq!(store.find_redirect(&code("abc")).await.expect("an answer"), None);
    assert_eq!(log(&store).await.len(), 0);
}

async fn events_that_named_a_link_before_it_existed_count(store: Store) {
    store
        .append_event(new_event(1, "click", None))
        .await
        .expect("recorded");
    store
        .append_event(new_event(1, "shared", None))
        .await
        .expect("recorded");
    let link = create(&store, new_link("abc")).await;
    assert_eq!((link.id, link.click_count), (link_id(1), 1));
}

async fn lists_are_filtered_by_owner_and_state(store: Store) {
    let owner = create_user(&store, "ann").await.id;
    for (short_code, is_owned, is_active) in [
        ("a1", true, true),
        ("a2", true, false),
        ("n1", false, true),
        ("n2", false, false),
    ] {
        let mut new = new_link(short_code);
        new.owner = is_owned.then_some(owner);
        new.is_active = is_active;
        create(&store, new).await;
    }
    for (filter, expected) in [
        ((None, None), vec!["a1", "a2", "n1", "n2"]),
        ((Some(owner), None), vec!["a1", "a2"]),
        ((None, Some(true)), vec!["a1", "n1"]),
        ((None, Some(false)), vec!["a2", "n2"]),
        ((Some(owner), Some(false)), vec!["a2"]),
        ((Some(user_id(99)), None), vec![]),
    ] {
        let filter = LinkFilter {
            owner: filter.0,
            is_active: filter.1,
            search: None,
        };
        assert_eq!(codes(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

async fn searches_find_what_they_say_and_nothing_else(store: Store) {
    for (short_code, title) in [
        ("percent", Some("100% sure")),
        ("under", Some("snake_case")),
        ("back", Some(r"C:\temp")),
        ("umlaut", Some("ÄPFEL und Birnen")),
        ("plain", None),
    ] {
        let mut new = new_link(short_code);
        new.title = title.map(|title| title.parse().expect("a title"));
        create(&store, new).await;
    }
    for (search, expected) in [
        ("%", vec!["percent"]),
        ("_", vec!["under"]),
        (r"\", vec!["back"]),
        (r"\t", vec!["back"]),
        ("0% S", vec!["percent"]),
        ("äpfel", vec!["umlaut"]),
        ("Äpfel UND", vec!["umlaut"]),
        ("EXAMPLE.com/plain", vec!["plain"]),
        ("example.com", vec!["percent", "under", "back", "umlaut", "plain"]),
        ("plain100", vec![]),
        ("' OR 1=1 --", vec![]),
    ] {
        let filter = LinkFilter {
            search: Some(search.parse().expect("a search")),
            ..LinkFilter::default()
        };
        assert_eq!(codes(&store, filter).await, expected, "{search:?}");
    }
}

async fn pages_follow_one_another_by_key_and_by_offset(store: Store) {
    for index in 0..5 {
        create(&store, new_link(&format!("c{index}"))).await;
    }
    let by_offset = |page| PageRequest::new(Some(page), None, Some(2)).expect("a page");
    for (request, expected, has_more) in [
        (PageRequest::after(0, 2), vec![1, 2], true),
        (PageRequest::after(2, 2), vec![3, 4], true),
        (PageRequest::after(3, 2), vec![4, 5], false),
        (PageRequest::after(5, 2), vec![], false),
        (by_offset(1), vec![1, 2], true),
        (by_offset(3), vec![5], false),
        (by_offset(4), vec![], false),
    ] {
        let page = store
            .list_links(LinkFilter::default(), request)
            .await
            .expect("a page");
        let ids: Vec<_> = page.rows.iter().map(|link| link.id.get()).collect();
        assert_eq!((ids, page.has_more), (expected, has_more), "{request:?}");
    }
}

async fn hostile_texts_are_only_texts(store: Store) {
    for (index, text) in [
        "'; DROP TABLE links; --",
        "$1 ?1 :a @b",
        "\"quoted\" \\ %s {id}",
        "<script>alert(1)</script>",
        "\u{202e}right to left \u{1f642}",
    ]
    .into_iter()
    .enumerate()
    {
        let mut new = new_link(&format!("h{index}"));
        new.title = Some(text.parse().expect("a title"));
        let link = create(&store, new).await;
        assert_eq!(link.title.as_deref(), Some(text));
    }
}

async fn the_highest_id_outlives_its_link(store: Store) {
    let link = create(&store, new_link("abc")).await;
    store
        .delete_link(link.id, at(2_000))
        .await
        .expect("an answer")
        .expect("deleted");
    assert_eq!(store.highest_link_id().await.expect("an answer"), 1);
    assert_eq!(create(&store, new_link("abc")).await.id, link_id(2));
}
