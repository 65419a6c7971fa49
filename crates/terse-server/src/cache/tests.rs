use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;

use terse_core::{LinkId, ManualClock, Timestamp};
use terse_store::RedirectRow;
use tokio::sync::{Notify, oneshot};

use super::*;

mod shared;

fn code(text: &str) -> ShortCode {
    text.parse().expect("a code")
}

fn link(target: &str) -> CachedLink {
    let row = RedirectRow {
        id: LinkId::new(1).expect("positive"),
        owner: None,
        original_url: target.to_owned(),
        is_active: true,
        version: 1,
        as_of: 1,
    };
    CachedLink::of(&code("abc"), &row, Moment::default()).expect("a target")
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn cache() -> (LinkCache, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    (
        LinkCache::new(1 << 20, Arc::clone(&clock) as Arc<dyn Clock>, Sharing::Alone),
        clock,
    )
}

async fn loaded(cache: &LinkCache, text: &str, found: Option<CachedLink>) -> Option<Box<str>> {
    let answer = cache
        .find(&code(text), async |_| Ok::<_, Infallible>(found))
        .await;
    answer
        .expect("infallible")
        .map(|link| utf8(link.original_url()).into())
}

#[tokio::test]
async fn a_loaded_link_is_answered_from_memory() {
    let (cache, _) = cache();
    assert!(cache.get("abc").is_none());
    assert_eq!(
        loaded(&cache, "abc", Some(link("https://a.example")))
            .await
            .as_deref(),
        Some("https://a.example")
    );
    assert_eq!(
        loaded(&cache, "abc", None).await.as_deref(),
        Some("https://a.example")
    );
    assert_eq!(cache.get("abc").expect("cached").location(), b"https://a.example");
    assert!(cache.get("ABC").is_none());
}

#[tokio::test]
async fn an_unknown_code_is_remembered_for_a_while() {
    let (cache, clock) = cache();
    assert_eq!(loaded(&cache, "abc", None).await, None);
    assert_eq!(loaded(&cache, "abc", Some(link("https://a.example"))).await, None);
    clock.advance(UNKNOWN_TTL);
    assert!(
        loaded(&cache, "abc", Some(link("https://a.example")))
            .await
            .is_some()
    );
}

#[tokio::test]
async fn a_created_code_is_unknown_no_longer() {
    let (cache, _) = cache();
    assert_eq!(loaded(&cache, "abc", None).await, None);
    cache.forget([&code("abc")], 1);
    assert!(
        loaded(&cache, "abc", Some(link("https://a.example")))
            .await
            .is_some()
    );
}

#[tokio::test]
async fn a_failed_look_up_is_not_remembered() {
    let (cache, _) = cache();
    let failed = cache.find(&code("abc"), async |_| Err("the store is away")).await;
    assert!(failed.is_err());
    assert!(
        loaded(&cache, "abc", Some(link("https://a.example")))
            .await
            .is_some()
    );
}

/// Starts a look-up, runs `meanwhile` after the store was read and before the answer is kept.
async fn look_up_overtaken_by(cache: &Arc<LinkCache>, found: Option<CachedLink>, meanwhile: impl FnOnce()) {
    let (read, has_read) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let abc = code("abc");
    let look_up = cache.find(&abc, async move |_| {
        read.send(()).expect("awaited");
        may_go_on.await.expect("sent");
        Ok::<_, Infallible>(found)
    });
    let (answer, ()) = tokio::join!(look_up, async {
        has_read.await.expect("sent");
        meanwhile();
        go_on.send(()).expect("awaited");
    });
    answer.expect("infallible");
}

#[tokio::test]
async fn an_answer_read_before_a_change_is_not_kept_after_it() {
    let (cache, _) = cache();
    let cache = Arc::new(cache);
    look_up_overtaken_by(&cache, Some(link("https://old.example")), || {
        cache.forget([&code("abc")], 1);
    })
    .await;
    assert!(cache.get("abc").is_none());
    let fresh = loaded(&cache, "abc", Some(link("https://new.example"))).await;
    assert_eq!(fresh.as_deref(), Some("https://new.example"));
}

#[tokio::test]
async fn an_absence_read_before_a_creation_is_not_kept_after_it() {
    let (cache, _) = cache();
    let cache = Arc::new(cache);
    look_up_overtaken_by(&cache, None, || cache.forget([&code("abc")], 1)).await;
    assert!(
        loaded(&cache, "abc", Some(link("https://new.example")))
            .await
            .is_some()
    );
}

#[tokio::test]
async fn ten_thousand_requests_for_one_code_are_one_look_up() {
    for found in [true, false] {
        let (cache, _) = cache();
        let (cache, look_ups, gate) = (
            Arc::new(cache),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
        );
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..10_000 {
            let (cache, look_ups, gate) = (Arc::clone(&cache), Arc::clone(&look_ups), Arc::clone(&gate));
            requests.spawn(async move {
                let load = async |_: Question<'_>| {
                    look_ups.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                    Ok::<_, Infallible>(found.then(|| link("https://a.example")))
                };
                cache
                    .find(&code("abc"), load)
                    .await
                    .expect("infallible")
                    .is_some()
            });
        }
        tokio::task::yield_now().await;
        gate.notify_one();
        let answers = requests.join_all().await;
        assert_eq!(
            (answers.len(), answers.iter().all(|answer| *answer == found)),
            (10_000, true)
        );
        assert_eq!(look_ups.load(Ordering::SeqCst), 1, "found: {found}");
    }
}

#[tokio::test]
async fn memory_is_bounded_and_guesses_drive_out_no_link() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let cache = LinkCache::new(100 * 400, clock, Sharing::Alone);
    loaded(&cache, "hot", Some(link("https://hot.example"))).await;
    for guess in 0..50_000 {
        loaded(&cache, &format!("guess{guess}"), None).await;
    }
    assert!(cache.get("hot").is_some());
    for cold in 0..5_000 {
        let text = format!("cold{cold}");
        loaded(&cache, &text, Some(link("https://cold.example"))).await;
    }
    assert!(cache.len() <= 150, "{} links in memory", cache.len());
}

#[test]
fn a_target_is_kept_as_given_and_as_sent() {
    for (given, sent) in [
        ("https://a.example", "https://a.example"),
        ("HTTPS://A.example/ä", "https://a.example/%C3%A4"),
    ] {
        let link = link(given);
        assert_eq!((utf8(link.original_url()), utf8(link.location())), (given, sent));
    }
}
