//! The log of events.

use terse_core::{BotReason, Click, EventFilter, EventId, PageRequest, TextIndex};
use terse_store::{ClickBatch, Conflict, Error, Store};

use crate::engine::on_every_engine;
use crate::sample::{all, batch, click, click_count, create, link_id, log, new_event, new_link, ship};

on_every_engine![
    an_appended_event_reads_back,
    an_event_may_name_what_never_was,
    clicks_count_unless_they_are_a_bots,
    an_id_is_taken_once,
    the_id_of_a_click_is_taken,
    an_id_that_would_leave_none_for_others_is_refused,
    filters_combine,
    pages_of_events_follow_one_another,
    a_shipped_click_shows_what_is_known_in_order,
];

async fn an_appended_event_reads_back(store: Store) {
    let details = r#"{"z":1,"a":[null,"ü"]}"#;
    let mut new = new_event(5, "shared", Some(details));
    new.user_id = Some(-3);
    let event = store.append_event(new).await.expect("recorded");
    assert_eq!(event.details.as_deref(), Some(details));
    assert_eq!((event.link_id, event.user_id), (5, Some(-3)));
    assert_eq!(
        store
            .list_events(EventFilter::default(), all())
            .await
            .expect("a page")
            .rows,
        [event]
    );
}

async fn an_event_may_name_what_never_was(store: Store) {
    for number in [0, -1, i64::MIN, i64::MAX] {
        let event = store
            .append_event(new_event(number, "click", None))
            .await
            .expect("recorded");
        assert_eq!(event.link_id, number);
    }
}

async fn clicks_count_unless_they_are_a_bots(store: Store) {
    let link = create(&store, new_link("abc")).await;
    for (event_type, details, count) in [
        ("click", None, 1),
        ("click", Some(r#"{"bot":true}"#), 1),
        ("click", Some(r#"{"bot":false}"#), 2),
        ("click", Some(r#"{"bot":"yes"}"#), 3),
        ("click", Some(r#"{"user_agent":"bot","inner":{"bot":true}}"#), 4),
        ("Click", None, 4),
        ("view", None, 4),
    ] {
        let event = new_event(link.id.get(), event_type, details);
        store.append_event(event).await.expect("recorded");
        assert_eq!(
            click_count(&store, link.id).await,
            count,
            "{event_type} {details:?}"
        );
    }
}

async fn an_id_is_taken_once(store: Store) {
    let mut event = new_event(1, "view", None);
    event.id = Some(EventId::new(7).expect("positive"));
    store.append_event(event.clone()).await.expect("recorded");
    let again = store.append_event(event).await;
    assert!(
        matches!(again, Err(Error::Conflict(Conflict::EventId))),
        "{again:?}"
    );
    let next = store
        .append_event(new_event(1, "view", None))
        .await
        .expect("recorded");
    assert_eq!(next.id.get(), 8);
}

async fn the_id_of_a_click_is_taken(store: Store) {
    let link = create(&store, new_link("abc")).await;
    ship(&store, batch(0, 10, vec![click(&link); 3])).await;
    for (number, is_free) in [(2, false), (4, false), (5, true)] {
        let mut event = new_event(1, "view", None);
        event.id = Some(EventId::new(number).expect("positive"));
        let outcome = store.append_event(event).await;
        assert_eq!(outcome.is_ok(), is_free, "{number}: {outcome:?}");
        let is_conflict = matches!(outcome, Err(Error::Conflict(Conflict::EventId)));
        assert_eq!(is_conflict, !is_free, "{number}");
    }
}

async fn an_id_that_would_leave_none_for_others_is_refused(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let mut event = new_event(1, "view", None);
    event.id = Some(EventId::new(i64::MAX).expect("positive"));
    store
        .append_event(event.clone())
        .await
        .expect_err("the last id there is");
    store
        .import_events(vec![event])
        .await
        .expect_err("the last id there is");
    ship(&store, batch(0, 10, vec![click(&link)])).await;
    assert_eq!(click_count(&store, link.id).await, 1);
}

async fn filters_combine(store: Store) {
    for (link, user, event_type) in [
        (1, Some(1), "click"),
        (1, Some(2), "view"),
        (2, Some(1), "view"),
        (2, None, "click"),
        (1, None, "view"),
    ] {
        let mut event = new_event(link, event_type, None);
        event.user_id = user;
        store.append_event(event).await.expect("recorded");
    }
    for (link_id, user_id, event_type, expected) in [
        (None, None, None, vec![1, 2, 3, 4, 5]),
        (Some(1), None, None, vec![1, 2, 5]),
        (None, Some(1), None, vec![1, 3]),
        (None, None, Some("click"), vec![1, 4]),
        (None, None, Some("view"), vec![2, 3, 5]),
        (Some(1), Some(2), None, vec![2]),
        (Some(1), None, Some("view"), vec![2, 5]),
        (Some(1), None, Some("click"), vec![1]),
        (None, Some(1), Some("view"), vec![3]),
        (Some(1), Some(2), Some("view"), vec![2]),
        (Some(1), Some(1), Some("click"), vec![1]),
        (Some(9), None, None, vec![]),
        (None, None, Some("' OR 1=1"), vec![]),
    ] {
        let event_type = event_type.map(|event_type| event_type.parse().expect("an event type"));
        let filter = EventFilter {
            link_id,
            user_id,
            event_type,
        };
        let page = store.list_events(filter.clone(), all()).await.expect("a page");
        let ids: Vec<_> = page.rows.iter().map(|event| event.id.get()).collect();
        assert_eq!(ids, expected, "{filter:?}");
    }
}

async fn pages_of_events_follow_one_another(store: Store) {
    for index in 0..7 {
        store
            .append_event(new_event(index % 2, "view", None))
            .await
            .expect("recorded");
    }
    let of_link = EventFilter {
        link_id: Some(0),
        ..EventFilter::default()
    };
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = store
            .list_events(of_link.clone(), PageRequest::after(after, 2))
            .await
            .expect("a page");
        seen.extend(page.rows.iter().map(|event| event.id.get()));
        after = seen.last().copied().unwrap_or(0);
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, [1, 3, 5, 7]);
}

async fn a_shipped_click_shows_what_is_known_in_order(store: Store) {
    let link = create(&store, new_link("abc")).await;
    let texts = ["Mozilla/5.0 \"x\"", "https://news.example/", "curl"];
    let known = Click {
        user_agent: Some(TextIndex(0)),
        referrer: Some(TextIndex(1)),
        ..click(&link)
    };
    let half = Click {
        user_agent: Some(TextIndex(2)),
        ..click(&link)
    };
    let of_bots = [
        BotReason::Head,
        BotReason::Prefetch,
        BotReason::Preview,
        BotReason::Crawler,
    ]
    .map(|bot| Click {
        bot: Some(bot),
        ..click(&link)
    });
    let clicks = [vec![known, half, click(&link)], of_bots.to_vec()].concat();
    let batch = ClickBatch {
        texts: texts.map(Into::into).to_vec(),
        ..batch(0, 10, clicks)
    };
    ship(&store, batch).await;
    let start = r#"{"short_code":"abc","original_url":"https://example.com/abc""#;
    let details: Vec<_> = log(&store)
        .await
        .into_iter()
        .skip(1)
        .map(|(_, details)| details)
        .collect();
    let of_bot = |reason| format!(r#"{start},"bot":true,"bot_reason":"{reason}"}}"#);
    assert_eq!(
        details,
        [
            format!(r#"{start},"referrer":"https://news.example/","user_agent":"Mozilla/5.0 \"x\""}}"#),
            format!(r#"{start},"user_agent":"curl"}}"#),
            format!("{start}}}"),
            of_bot("head"),
            of_bot("prefetch"),
            of_bot("preview"),
            of_bot("crawler"),
        ]
    );
    assert_eq!(click_count(&store, link_id(1)).await, 3);
}
