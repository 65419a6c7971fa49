//! Users.

use terse_core::{LinkFilter, PageRequest, ShortCode, UserChange};
use terse_store::{Conflict, Error, Store};

use crate::engine::on_every_engine;
use crate::sample::{all, create, create_user, new_link, new_user, user_id};

on_every_engine![
    a_created_user_reads_back,
    names_and_addresses_are_taken_once,
    an_update_changes_what_it_names,
    an_update_to_what_is_taken_changes_nothing,
    what_does_not_exist_is_absent,
    the_links_of_a_deleted_user_stay_without_owner,
    ids_are_not_given_again,
    pages_of_users_follow_one_another,
];

async fn a_created_user_reads_back(store: Store) {
    let user = create_user(&store, "Ann").await;
    assert_eq!(
        (user.username.as_str(), user.email.as_str()),
        ("Ann", "Ann@example.com")
    );
    assert_eq!(
        store.find_user(user.id).await.expect("an answer"),
        Some(user.clone())
    );
    assert_eq!(store.list_users(all()).await.expect("a page").rows, [user]);
}

async fn names_and_addresses_are_taken_once(store: Store) {
    let ann = create_user(&store, "ann").await;
    let mut same_name = new_user("ann");
    same_name.email = "other@example.com".parse().expect("an address");
    let mut same_address = new_user("bob");
    same_address.email = "ANN@Example.com".parse().expect("an address");
    let mut same_id = new_user("cid");
    same_id.id = Some(ann.id);
    for (user, expected) in [
        (same_name, Conflict::Username),
        (same_address, Conflict::Email),
        (same_id, Conflict::UserId),
    ] {
        let outcome = store.create_user(user).await;
        assert!(
            matches!(outcome, Err(Error::Conflict(conflict)) if conflict == expected),
            "{outcome:?}"
        );
    }
    // Names, unlike addresses, differ by case.
    let mut other_case = new_user("ANN");
    other_case.email = "ann2@example.com".parse().expect("an address");
    store.create_user(other_case).await.expect("a free name");
}

async fn an_update_changes_what_it_names(store: Store) {
    let user = create_user(&store, "ann").await;
    let renamed = UserChange {
        username: Some("anna".parse().expect("a name")),
        email: None,
    };
    let renamed = store
        .update_user(user.id, renamed)
        .await
        .expect("an answer")
        .expect("a user");
    assert_eq!(
        (renamed.username.as_str(), renamed.email.as_str()),
        ("anna", "ann@example.com")
    );
    let moved = UserChange {
        username: None,
        email: Some("A@example.org".parse().expect("an address")),
    };
    let moved = store
        .update_user(user.id, moved)
        .await
        .expect("an answer")
        .expect("a user");
    assert_eq!(
        (moved.username.as_str(), moved.email.as_str()),
        ("anna", "A@example.org")
    );
    let unchanged = store
        .update_user(user.id, UserChange::default())
        .await
        .expect("an answer");
    assert_eq!(unchanged, Some(moved));
    create_user(&store, "ann").await;
}

async fn an_update_to_what_is_taken_changes_nothing(store: Store) {
    create_user(&store, "ann").await;
    let bob = create_user(&store, "bob").await;
    for (username, email, expected) in [
        (Some("ann"), None, Conflict::Username),
        (None, Some("ANN@EXAMPLE.COM"), Conflict::Email),
    ] {
        let change = UserChange {
            username: username.map(|name| name.parse().expect("a name")),
            email: email.map(|email| email.parse().expect("an address")),
        };
        let outcome = store.update_user(bob.id, change).await;
        assert!(
            matches!(outcome, Err(Error::Conflict(conflict)) if conflict == expected),
            "{outcome:?}"
        );
    }
    assert_eq!(store.find_user(bob.id).await.expect("an answer"), Some(bob));
}

async fn what_does_not_exist_is_absent(store: Store) {
    let nobody = user_id(1);
    assert_eq!(store.find_user(nobody).await.expect("an answer"), None);
    assert_eq!(
        store
            .update_user(nobody, UserChange::default())
            .await
            .expect("an answer"),
        None
    );
    assert_eq!(store.delete_user(nobody).await.expect("an answer"), None);
    assert!(store.list_users(all()).await.expect("a page").rows.is_empty());
}

async fn the_links_of_a_deleted_user_stay_without_owner(store: Store) {
    let user = create_user(&store, "ann").await;
    let mut owned = Vec::new();
    for short_code in ["one", "two"] {
        let mut new = new_link(short_code);
        new.owner = Some(user.id);
        owned.push(create(&store, new).await);
    }
    let free = create(&store, new_link("free")).await;

    let mut codes = store
        .delete_user(user.id)
        .await
        .expect("an answer")
        .expect("a user");
    codes.sort();
    assert_eq!(
        codes.iter().map(ShortCode::as_str).collect::<Vec<&str>>(),
        ["one", "two"]
    );
    for mut link in owned {
        link.owner = None;
        link.version = 2;
        assert_eq!(store.find_link(link.id).await.expect("an answer"), Some(link));
    }
    assert_eq!(store.find_link(free.id).await.expect("an answer"), Some(free));
    let of_nobody = LinkFilter {
        owner: Some(user.id),
        ..LinkFilter::default()
    };
    assert!(
        store
            .list_links(of_nobody, all())
            .await
            .expect("a page")
            .rows
            .is_empty()
    );
}

async fn ids_are_not_given_again(store: Store) {
    let ann = create_user(&store, "ann").await;
    store
        .delete_user(ann.id)
        .await
        .expect("an answer")
        .expect("a user");
    assert_eq!(create_user(&store, "ann").await.id, user_id(ann.id.get() + 1));
}

async fn pages_of_users_follow_one_another(store: Store) {
    for name in ["a", "b", "c"] {
        create_user(&store, name).await;
    }
    let first = store.list_users(PageRequest::after(0, 2)).await.expect("a page");
    assert_eq!((first.rows.len(), first.has_more), (2, true));
    let last = PageRequest::new(Some(2), None, Some(2)).expect("a page");
    let last = store.list_users(last).await.expect("a page");
    assert_eq!((last.rows.len(), last.has_more), (1, false));
}
