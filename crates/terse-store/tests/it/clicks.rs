//! Shipping clicks, exactly once.

use terse_core::{Click, EventFilter, Link, LinkId, PageRequest, TextIndex};
use terse_store::{ClickBatch, Error, Position, Shipped, Store};
use tokio::task::JoinSet;

use crate::engine::on_every_engine;
use crate::sample::{
    JOURNAL, all, at, batch, click, click_count, clicks_from, create, create_user, log, new_link, position,
    ship, visited,
};

on_every_engine![
    shipped_clicks_are_events_and_totals,
    a_batch_that_is_shipped_twice_is_stored_once,
    a_batch_from_elsewhere_is_told_where_the_lane_stands,
    lanes_and_journals_move_apart_from_one_another,
    clicks_of_a_deleted_link_stay_events,
    a_link_made_anew_with_its_old_id_has_its_old_clicks,
    clicks_of_a_link_that_a_restored_store_never_had_go_to_no_other,
    a_batch_that_was_undone_leaves_the_cache_of_texts_sound,
    lanes_that_ship_the_same_texts_at_once_all_arrive,
    an_empty_batch_moves_the_lane,
    the_longest_texts_are_kept,
    an_index_without_a_text_is_refused,
];

async fn shipped_clicks_are_events_and_totals(store: Store) {
    let owner = create_user(&store, "ann").await.id;
    let mut new = new_link("abc");
    new.owner = Some(owner);
    let first = create(&store, new).await;
    let second = create(&store, new_link("def")).await;
    let clicks = vec![click(&second), click(&first), click(&second)];
    assert_eq!(ship(&store, batch(0, 30, clicks)).await, Shipped::Done);

    assert_eq!(click_count(&store, first.id).await, 1);
    assert_eq!(click_count(&store, second.id).await, 2);
    let clicks = EventFilter {
        event_type: Some("click".parse().expect("a type")),
        ..EventFilter::default()
    };
    let events = store.list_events(clicks, all()).await.expect("a page").rows;
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.link_id, event.user_id, event.at))
        .collect();
    assert_eq!(
        seen,
        [
            (2, None, at(3_000)),
            (1, Some(owner.get()), at(3_000)),
            (2, None, at(3_000))
        ]
    );
    assert_eq!(
        store.load_positions(JOURNAL).await.expect("an answer"),
        [(0, position(30))]
    );
}

async fn a_batch_that_is_shipped_twice_is_stored_once(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let once = batch(0, 10, vec![click(&link)]);
    assert_eq!(ship(&store, once.clone()).await, Shipped::Done);
    assert_eq!(ship(&store, once).await, Shipped::Moved(position(10)));
    assert_eq!(
        ship(&store, batch(10, 20, vec![click(&link)])).await,
        Shipped::Done
    );
    assert_eq!(click_count(&store, link.id).await, 2);
    assert_eq!(log(&store).await.len(), 3);
}

async fn a_batch_from_elsewhere_is_told_where_the_lane_stands(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let ahead = batch(50, 60, vec![click(&link)]);
    assert_eq!(ship(&store, ahead).await, Shipped::Moved(Position::START));
    assert_eq!(store.load_positions(JOURNAL).await.expect("an answer"), []);
    assert_eq!(click_count(&store, link.id).await, 0);

    let beyond = ClickBatch {
        to: Position {
            segment: u64::MAX,
            offset: 0,
        },
        ..batch(0, 0, vec![click(&link)])
    };
    let outcome = store.ship_clicks(beyond).await;
    assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
    assert_eq!(click_count(&store, link.id).await, 0);
}

async fn lanes_and_journals_move_apart_from_one_another(store: Store) {
    let link = create(&store, new_link("abc")).await;
    for (journal_id, lane) in [(JOURNAL, 0), (JOURNAL, 1), (JOURNAL, u32::MAX), ("other", 0)] {
        let batch = ClickBatch {
            journal_id: journal_id.to_owned(),
            lane,
            to: Position {
                segment: 3,
                offset: u64::from(lane),
            },
            ..batch(0, 0, vec![click(&link)])
        };
        assert_eq!(ship(&store, batch).await, Shipped::Done);
    }
    let positions = store.load_positions(JOURNAL).await.expect("an answer");
    let expected = [0, 1, u32::MAX].map(|lane| {
        (
            lane,
            Position {
                segment: 3,
                offset: u64::from(lane),
            },
        )
    });
    assert_eq!(positions, expected);
    assert_eq!(click_count(&store, link.id).await, 4);
}

async fn clicks_of_a_link_that_a_restored_store_never_had_go_to_no_other(store: Store) {
    let known = create(&store, new_link("known")).await;
    let lost = Link {
        id: LinkId::new(known.id.get() + 5).expect("positive"),
        ..known.clone()
    };
    let clicks = vec![click(&lost), click(&known), click(&lost)];
    let batch = ClickBatch {
        visited: vec![visited(&lost)],
        ..batch(0, 30, clicks)
    };
    assert_eq!(ship(&store, batch).await, Shipped::Done);
    assert_eq!(store.highest_link_id().await.expect("an id"), lost.id.get());
    let fresh = create(&store, new_link("fresh")).await;
    assert!(fresh.id > lost.id);
    assert_eq!(click_count(&store, fresh.id).await, 0);
    assert_eq!(click_count(&store, known.id).await, 1);
    assert_eq!(
        store.integrity_problems().await.expect("an answer"),
        Vec::<String>::new()
    );
}

async fn clicks_of_a_deleted_link_stay_events(store: Store) {
    let gone = create(&store, new_link("gone")).await;
    let kept = create(&store, new_link("kept")).await;
    store
        .delete_link(gone.id, at(2_000))
        .await
        .expect("an answer")
        .expect("a link");
    assert_eq!(
        ship(&store, batch(0, 20, vec![click(&gone), click(&kept)])).await,
        Shipped::Done
    );
    assert_eq!(click_count(&store, kept.id).await, 1);
    let of_gone = EventFilter {
        link_id: Some(gone.id.get()),
        ..EventFilter::default()
    };
    assert_eq!(
        store
            .list_events(of_gone, all())
            .await
            .expect("a page")
            .rows
            .len(),
        3
    );
}

async fn a_link_made_anew_with_its_old_id_has_its_old_clicks(store: Store) {
    let gone = create(&store, new_link("gone")).await;
    ship(&store, batch(0, 10, vec![click(&gone), click(&gone)])).await;
    store
        .delete_link(gone.id, at(2_000))
        .await
        .expect("an answer")
        .expect("a link");
    let mut anew = new_link("anew");
    anew.id = Some(gone.id);
    let link = create(&store, anew).await;
    assert_eq!(link.click_count, 2);
    assert_eq!(store.find_link(gone.id).await.expect("an answer"), Some(link));
}

async fn a_batch_that_was_undone_leaves_the_cache_of_texts_sound(store: Store) {
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    let (clicks, texts) = clicks_from(&link, &["lost"]);
    let lost = ClickBatch {
        texts,
        ..batch(0, 10, clicks)
    };
    assert_eq!(ship(&store, lost.clone()).await, Shipped::Moved(position(10)));
    let to = Position {
        segment: u64::MAX,
        offset: 0,
    };
    let from = position(10);
    store
        .ship_clicks(ClickBatch { from, to, ..lost })
        .await
        .expect_err("a position that no lane has");

    let agents = ["first", "lost", "abc", "first"];
    let (clicks, texts) = clicks_from(&link, &agents);
    ship(
        &store,
        ClickBatch {
            texts,
            ..batch(10, 20, clicks)
        },
    )
    .await;
    let shown: Vec<_> = log(&store)
        .await
        .into_iter()
        .skip(2)
        .map(|(_, details)| details)
        .collect();
    let expected = agents.map(|agent| {
        format!(r#"{{"short_code":"abc","original_url":"https://example.com/abc","user_agent":"{agent}"}}"#)
    });
    assert_eq!(shown, expected);
}

async fn lanes_that_ship_the_same_texts_at_once_all_arrive(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let mut lanes = JoinSet::new();
    for lane in 0..8 {
        let (store, click) = (store.clone(), click(&link));
        lanes.spawn(async move {
            for step in 0..20 {
                let batch = ClickBatch {
                    lane,
                    ..batch(step, step + 1, vec![click; 5])
                };
                assert_eq!(ship(&store, batch).await, Shipped::Done);
            }
        });
    }
    lanes.join_all().await;
    assert_eq!(click_count(&store, link.id).await, 8 * 20 * 5);
}

async fn an_empty_batch_moves_the_lane(store: Store) {
    assert_eq!(ship(&store, batch(0, 64, vec![])).await, Shipped::Done);
    assert_eq!(
        store.load_positions(JOURNAL).await.expect("an answer"),
        [(0, position(64))]
    );
}

async fn the_longest_texts_are_kept(store: Store) {
    let link = create(&store, new_link("abc")).await;
    // More than the cache of texts holds, so that it has to forget and to look up again.
    let referrer = |index: usize| format!("https://example.com/{index}/{}", "x".repeat(1_000));
    let count = 12_000;
    for (step, first) in (0..).zip((0..count).step_by(3_000)) {
        let texts: Vec<_> = (first..first + 3_000)
            .map(|index| referrer(index % 10_000).into())
            .collect();
        let clicks = (0..3_000).map(|index| Click {
            referrer: Some(TextIndex(index)),
            ..click(&link)
        });
        let clicks = clicks.collect();
        let batch = ClickBatch {
            texts,
            ..batch(step, step + 1, clicks)
        };
        assert_eq!(ship(&store, batch).await, Shipped::Done);
    }
    assert_eq!(click_count(&store, link.id).await, 12_000);
    let page = store
        .list_events(EventFilter::default(), PageRequest::after(10_001, 1_000))
        .await;
    let details = page.expect("a page").rows[0].details.clone().expect("details");
    assert!(details.contains(&referrer(0)));
}

async fn an_index_without_a_text_is_refused(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let (clicks, _) = clicks_from(&link, &["gone"]);
    let outcome = store.ship_clicks(batch(0, 10, clicks)).await;
    assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
    assert_eq!(store.load_positions(JOURNAL).await.expect("an answer"), []);
}
