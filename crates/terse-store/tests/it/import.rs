//! Imports.

use terse_core::{EventId, NewEvent, NewLink, NewUser};
use terse_store::{Imported, Store, Taken};

use crate::engine::on_every_engine;
use crate::sample::{
    at, click_count, create, create_user, link_id, log, new_event, new_link, new_user, user_id,
};

on_every_engine![
    importing_twice_doubles_nothing,
    what_is_in_the_way_of_a_user_is_named,
    what_is_in_the_way_of_a_link_is_named,
    what_is_in_the_way_of_an_event_is_named,
    new_things_get_ids_beyond_the_imported_ones,
    totals_do_not_depend_on_the_order_of_imports,
    rows_without_ids_get_the_next,
    renumbered_users_get_the_next_ids_and_are_told_them,
    an_imported_link_brings_no_event,
    an_import_of_nothing_is_nothing,
];

fn user(id: i64, username: &str) -> NewUser {
    NewUser {
        id: Some(user_id(id)),
        ..new_user(username)
    }
}

fn link(id: i64, short_code: &str) -> NewLink {
    NewLink {
        id: Some(link_id(id)),
        ..new_link(short_code)
    }
}

fn event(id: i64, link: i64, event_type: &str) -> NewEvent {
    NewEvent {
        id: Some(EventId::new(id).expect("positive")),
        ..new_event(link, event_type, None)
    }
}

async fn importing_twice_doubles_nothing(store: Store) {
    for expected in [Imported::Inserted, Imported::AlreadyThere] {
        let users = store.import_users(vec![user(10, "ann"), user(11, "bob")]).await;
        let mut of_ann = link(20, "abc");
        of_ann.owner = Some(user_id(10));
        let links = store.import_links(vec![of_ann, link(21, "def")]).await;
        let events = store
            .import_events(vec![event(30, 20, "click"), event(31, 21, "view")])
            .await;
        for outcome in [users, links, events] {
            assert_eq!(outcome.expect("an answer"), [expected, expected]);
        }
    }
    assert_eq!(click_count(&store, link_id(20)).await, 1);
    assert_eq!(log(&store).await.len(), 2);
}

async fn what_is_in_the_way_of_a_user_is_named(store: Store) {
    let mut same_address = user(3, "cid");
    same_address.email = "ANN@example.com".parse().expect("an address");
    let rows = vec![
        user(1, "ann"),
        user(2, "ann"),
        same_address,
        user(1, "dan"),
        user(4, "eve"),
    ];
    let kept_by = user_id(1);
    assert_eq!(
        store.import_users(rows).await.expect("an answer"),
        [
            Imported::Inserted,
            Imported::Taken(Taken::Username { kept_by }),
            Imported::Taken(Taken::Email { kept_by }),
            Imported::Taken(Taken::UserId),
            Imported::Inserted,
        ]
    );
}

async fn what_is_in_the_way_of_a_link_is_named(store: Store) {
    let mut of_nobody = link(4, "jkl");
    of_nobody.owner = Some(user_id(99));
    let rows = vec![
        link(1, "abc"),
        link(2, "abc"),
        link(1, "def"),
        of_nobody,
        link(5, "mno"),
    ];
    assert_eq!(
        store.import_links(rows).await.expect("an answer"),
        [
            Imported::Inserted,
            Imported::Taken(Taken::ShortCode { kept_by: link_id(1) }),
            Imported::Taken(Taken::LinkId),
            Imported::Taken(Taken::NoSuchUser),
            Imported::Inserted,
        ]
    );
}

async fn what_is_in_the_way_of_an_event_is_named(store: Store) {
    let mut later = event(1, 7, "view");
    later.at = at(2_001);
    let mut of_another_user = event(1, 7, "view");
    of_another_user.user_id = Some(5);
    let rows = vec![
        event(1, 7, "view"),
        event(1, 7, "click"),
        event(1, 8, "view"),
        later,
        of_another_user,
    ];
    let taken = Imported::Taken(Taken::EventId);
    assert_eq!(
        store.import_events(rows).await.expect("an answer"),
        [Imported::Inserted, taken, taken, taken, Imported::AlreadyThere]
    );
}

async fn new_things_get_ids_beyond_the_imported_ones(store: Store) {
    store
        .import_users(vec![user(400, "ann"), user(3, "bob")])
        .await
        .expect("an answer");
    store
        .import_links(vec![link(2_000, "abc"), link(5, "def")])
        .await
        .expect("an answer");
    store
        .import_events(vec![event(3_422, 5, "view")])
        .await
        .expect("an answer");
    assert_eq!(store.highest_link_id().await.expect("an answer"), 2_000);
    assert_eq!(create_user(&store, "eve").await.id, user_id(401));
    assert_eq!(create(&store, new_link("ghi")).await.id, link_id(2_001));
    let next = store
        .append_event(new_event(1, "view", None))
        .await
        .expect("recorded");
    // 3,423 is that of the link's creation.
    assert_eq!(next.id.get(), 3_424);
}

async fn totals_do_not_depend_on_the_order_of_imports(store: Store) {
    let mut of_bot = event(3, 1, "click");
    of_bot.details = new_event(1, "click", Some(r#"{"bot":true}"#)).details;
    store
        .import_events(vec![event(1, 1, "click"), event(2, 2, "click"), of_bot])
        .await
        .expect("an answer");
    store
        .import_links(vec![link(1, "abc"), link(2, "def")])
        .await
        .expect("an answer");
    store
        .import_events(vec![event(4, 1, "click"), event(5, 3, "click")])
        .await
        .expect("an answer");
    assert_eq!(click_count(&store, link_id(1)).await, 2);
    assert_eq!(click_count(&store, link_id(2)).await, 1);
}

async fn rows_without_ids_get_the_next(store: Store) {
    let users = store
        .import_users(vec![new_user("ann"), new_user("ann"), new_user("bob")])
        .await;
    let taken = Imported::Taken(Taken::Username { kept_by: user_id(1) });
    assert_eq!(
        users.expect("an answer"),
        [Imported::Inserted, taken, Imported::Inserted]
    );
    let links = store.import_links(vec![new_link("abc")]).await;
    assert_eq!(links.expect("an answer"), [Imported::Inserted]);
    let events = store.import_events(vec![new_event(1, "click", None); 2]).await;
    assert_eq!(events.expect("an answer"), [Imported::Inserted; 2]);
    assert_eq!(click_count(&store, link_id(1)).await, 2);
}

async fn renumbered_users_get_the_next_ids_and_are_told_them(store: Store) {
    store.import_users(vec![user(7, "ann")]).await.expect("imported");
    let mut same_address = user(3, "cid");
    same_address.email = "ANN@example.com".parse().expect("an address");
    let rows = vec![user(7, "bob"), user(2, "ann"), same_address, new_user("dan")];
    let kept_by = user_id(7);
    assert_eq!(
        store.import_users_renumbered(rows).await.expect("an answer"),
        [
            Ok(user_id(8)),
            Err(Taken::Username { kept_by }),
            Err(Taken::Email { kept_by }),
            Ok(user_id(9)),
        ]
    );
}

async fn an_imported_link_brings_no_event(store: Store) {
    let mut inactive = link(1, "abc");
    inactive.is_active = false;
    inactive.updated_at = at(7_000);
    store.import_links(vec![inactive]).await.expect("an answer");
    let link = store
        .find_link(link_id(1))
        .await
        .expect("an answer")
        .expect("a link");
    assert_eq!(
        (link.is_active, link.created_at, link.updated_at),
        (false, at(1_000), at(7_000))
    );
    assert!(log(&store).await.is_empty());
}

async fn an_import_of_nothing_is_nothing(store: Store) {
    assert_eq!(store.import_users(vec![]).await.expect("an answer"), []);
    assert_eq!(store.import_links(vec![]).await.expect("an answer"), []);
    assert_eq!(store.import_events(vec![]).await.expect("an answer"), []);
}
