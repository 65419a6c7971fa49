//! A database that others change too: what is believed for how long.

use std::time::Duration;

use terse_store::News;

use super::*;

/// The moment of every reading here.
const READ_AS_OF: AsOf = 100;
const STALE_FOR: Duration = Duration::from_hours(1);

fn shared() -> (LinkCache, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let sharing = Sharing::Shared { stale_for: STALE_FOR };
    (
        LinkCache::new(1 << 20, Arc::clone(&clock) as Arc<dyn Clock>, sharing),
        clock,
    )
}

/// One that has heard the bus a moment ago.
fn listening() -> (LinkCache, Arc<ManualClock>) {
    let (cache, clock) = shared();
    clock.advance(Duration::from_secs(10));
    cache.hear(&News::Listening { as_of: 5 });
    clock.advance(Duration::from_millis(200));
    beat(&cache, &clock);
    (cache, clock)
}

fn beat(cache: &LinkCache, clock: &ManualClock) {
    cache.hear(&News::Complete {
        until: clock.elapsed(),
    });
}

/// A link to `target` that is read when it is asked for.
async fn look_up(cache: &LinkCache, target: &str) -> String {
    let found = cache
        .find(&code("abc"), async |question: Question<'_>| {
            Ok::<_, Infallible>(Some(read(target, question.read_at)))
        })
        .await;
    let link = found.expect("infallible").expect("a link");
    utf8(link.original_url()).to_owned()
}

async fn look_up_in_vain(cache: &LinkCache) -> Option<String> {
    let found = cache.find(&code("abc"), async |_| Err("the store is away")).await;
    found
        .ok()
        .flatten()
        .map(|link| utf8(link.original_url()).to_owned())
}

fn read(target: &str, read_at: Moment) -> CachedLink {
    let row = RedirectRow {
        id: LinkId::new(1).expect("positive"),
        owner: None,
        original_url: target.to_owned(),
        is_active: true,
        version: 1,
        as_of: READ_AS_OF,
    };
    CachedLink::of(&code("abc"), &row, read_at).expect("a target")
}

#[tokio::test]
async fn without_the_bus_a_link_is_read_anew_every_moment() {
    let (cache, clock) = shared();
    assert_eq!(
        look_up(&cache, "https://one.example").await,
        "https://one.example"
    );
    clock.advance(Duration::from_millis(500));
    assert!(cache.get("abc").is_some());
    clock.advance(Duration::from_millis(500));
    assert!(cache.get("abc").is_none());
    assert_eq!(
        look_up(&cache, "https://two.example").await,
        "https://two.example"
    );
}

#[tokio::test]
async fn with_the_bus_a_link_is_answered_until_it_changes() {
    let (cache, clock) = listening();
    assert_eq!(
        look_up(&cache, "https://one.example").await,
        "https://one.example"
    );
    for _ in 0..100 {
        clock.advance(Duration::from_millis(500));
        beat(&cache, &clock);
        assert!(cache.get("abc").is_some());
    }
    let codes = vec![code("abc")];
    cache.hear(&News::Changed {
        codes,
        as_of: READ_AS_OF + 1,
    });
    assert!(cache.get("abc").is_none());
    assert_eq!(
        look_up(&cache, "https://two.example").await,
        "https://two.example"
    );
}

#[tokio::test]
async fn whoever_missed_changes_asks_about_each_link_again() {
    let (cache, clock) = listening();
    look_up(&cache, "https://one.example").await;
    cache.hear(&News::Deaf);
    clock.advance(Duration::from_secs(5));
    cache.hear(&News::Listening { as_of: 20 });
    clock.advance(Duration::from_millis(200));
    beat(&cache, &clock);
    assert!(cache.get("abc").is_none());
    assert_eq!(
        look_up(&cache, "https://two.example").await,
        "https://two.example"
    );
    assert!(cache.get("abc").is_some());
}

#[tokio::test]
async fn after_many_changes_every_link_is_asked_about_within_a_second() {
    let (cache, clock) = listening();
    look_up(&cache, "https://one.example").await;
    cache.hear(&News::ManyChanged { as_of: 9 });
    clock.advance(Duration::from_secs(1));
    beat(&cache, &clock);
    assert!(cache.get("abc").is_none());
    assert_eq!(
        look_up(&cache, "https://two.example").await,
        "https://two.example"
    );
}

#[tokio::test]
async fn while_the_store_is_away_copies_are_answered_for_as_long_as_the_operator_allows() {
    let (cache, clock) = shared();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_mins(1));
    assert!(
        cache.get("abc").is_none(),
        "somebody has to notice that the store is away"
    );
    assert_eq!(
        look_up_in_vain(&cache).await.as_deref(),
        Some("https://one.example")
    );
    assert!(cache.get("abc").is_some(), "nobody else waits for it");
    clock.advance(STALE_FOR);
    assert!(cache.get("abc").is_none());
    assert_eq!(look_up_in_vain(&cache).await, None);
}

#[tokio::test]
async fn answers_from_copies_that_nobody_vouches_for_are_counted() {
    let (cache, clock) = shared();
    let mut near = NearCache::new(&cache, 1);
    let stale = |cache: &LinkCache| cache.stats().stale_answers;
    look_up(&cache, "https://one.example").await;
    assert!(near.visit(&cache, "abc").is_some());
    assert_eq!(stale(&cache), 0, "it was read just now");
    clock.advance(Duration::from_secs(1));
    look_up_in_vain(&cache).await;
    assert_eq!(stale(&cache), 1, "by whoever noticed that the store is away");
    assert!(cache.get("abc").is_some());
    assert!(near.visit(&cache, "abc").is_some());
    look_up_in_vain(&cache).await;
    assert_eq!(stale(&cache), 4, "by those who find the copy");
    clock.advance(Duration::from_secs(1));
    look_up(&cache, "https://two.example").await;
    assert!(near.visit(&cache, "abc").is_some());
    assert_eq!(stale(&cache), 4, "not once the store has answered");
}

#[tokio::test]
async fn one_visitor_at_a_time_finds_out_whether_the_store_is_back() {
    let (cache, clock) = shared();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_mins(1));
    look_up_in_vain(&cache).await;
    clock.advance(Duration::from_secs(1));
    let abc = code("abc");
    let (asked, may_answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (has_asked, gate) = (Arc::clone(&asked), Arc::clone(&may_answer));
    let first = cache.find(&abc, async move |question: Question<'_>| {
        has_asked.notify_one();
        gate.notified().await;
        Ok::<_, Infallible>(Some(read("https://two.example", question.read_at)))
    });
    let others = async {
        asked.notified().await;
        clock.advance(Duration::from_millis(10));
        may_answer.notify_one();
    };
    let (found, ()) = tokio::join!(first, others);
    assert!(found.expect("infallible").is_some());
    assert_eq!(
        look_up_in_vain(&cache).await.as_deref(),
        Some("https://two.example")
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_keeps_no_visitor_of_a_known_link_waiting() {
    let (cache, clock) = shared();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_mins(1));
    let abc = code("abc");
    let found = cache.find(&abc, async |_| {
        std::future::pending::<Result<_, Infallible>>().await
    });
    // Time passes only where everybody waits for it.
    let within = tokio::time::timeout(DOUBTFUL_WAIT_MAX + Duration::from_millis(1), found);
    let found = within.await.expect("no longer").expect("infallible");
    assert!(found.is_some());
}

#[tokio::test]
async fn an_old_copy_is_answered_once_more_and_read_anew_behind_the_answer() {
    let (cache, clock) = listening();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_secs(90));
    beat(&cache, &clock);
    assert!(cache.get("abc").is_some());
    assert_eq!(cache.next_to_refresh().await, Some(code("abc")));
    cache
        .refresh(&code("abc"), async |question: Question<'_>| {
            Ok::<_, Infallible>(Some(read("https://two.example", question.read_at)))
        })
        .await;
    let link = cache.get("abc").expect("in memory");
    assert_eq!(utf8(link.original_url()), "https://two.example");
}

#[tokio::test]
async fn a_refresh_that_a_change_has_overtaken_is_not_kept() {
    let (cache, clock) = listening();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_secs(90));
    beat(&cache, &clock);
    cache
        .refresh(&code("abc"), async |question: Question<'_>| {
            cache.forget([&code("abc")], 9);
            look_up(&cache, "https://new.example").await;
            Ok::<_, Infallible>(Some(read("https://old.example", question.read_at)))
        })
        .await;
    let link = cache.get("abc").expect("in memory");
    assert_eq!(utf8(link.original_url()), "https://new.example");
}

#[tokio::test]
async fn copies_from_elsewhere_must_be_as_recent_as_what_was_heard() {
    let (cache, clock) = listening();
    let since = async |cache: &LinkCache| {
        let mut since = None;
        let found = cache
            .find(&code("abc"), async |question: Question<'_>| {
                since = question.elsewhere.map(|elsewhere| elsewhere.since);
                Err::<Option<CachedLink>, _>("not needed")
            })
            .await;
        assert!(found.is_err());
        since
    };
    assert_eq!(since(&cache).await, Some(5));
    cache.hear(&News::Changed {
        codes: vec![code("abc")],
        as_of: 8,
    });
    assert_eq!(since(&cache).await, Some(8));
    clock.advance(Duration::from_secs(2));
    assert_eq!(since(&cache).await, None, "nobody vouches for anything");
}

#[tokio::test]
async fn a_copy_from_elsewhere_is_as_old_as_the_last_word_of_the_bus() {
    let (cache, clock) = listening();
    clock.advance(Duration::from_millis(600));
    let found = cache
        .find(&code("abc"), async |question: Question<'_>| {
            let elsewhere = question.elsewhere.expect("the bus vouches for it");
            Ok::<_, Infallible>(Some(read("https://one.example", elsewhere.read_at)))
        })
        .await;
    assert!(found.expect("infallible").is_some());
    assert!(cache.get("abc").is_some());
    clock.advance(Duration::from_millis(300));
    assert!(cache.get("abc").is_none(), "a change may have been missed");
}

#[tokio::test]
async fn a_code_that_did_not_exist_is_believed_not_to_for_a_moment_only_without_the_bus() {
    let (cache, clock) = shared();
    assert_eq!(loaded(&cache, "abc", None).await, None);
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        look_up(&cache, "https://one.example").await,
        "https://one.example"
    );
}

#[tokio::test]
async fn a_link_that_was_found_is_not_unknown_once_the_store_is_away() {
    let (cache, clock) = shared();
    assert_eq!(loaded(&cache, "abc", None).await, None);
    clock.advance(Duration::from_secs(1));
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(
            look_up_in_vain(&cache).await.as_deref(),
            Some("https://one.example")
        );
    }
}

#[tokio::test]
async fn what_was_read_since_a_change_outlives_the_news_of_it() {
    let (cache, _) = listening();
    look_up(&cache, "https://new.example").await;
    cache.hear(&News::Changed {
        codes: vec![code("abc")],
        as_of: READ_AS_OF,
    });
    assert!(cache.get("abc").is_some());
    cache.hear(&News::Changed {
        codes: vec![code("abc")],
        as_of: READ_AS_OF + 1,
    });
    assert!(cache.get("abc").is_none());
}

#[tokio::test]
async fn a_look_up_that_news_have_overtaken_is_not_kept() {
    let (cache, _) = listening();
    let found = cache
        .find(&code("abc"), async |question: Question<'_>| {
            cache.hear(&News::Changed {
                codes: vec![code("abc")],
                as_of: READ_AS_OF + 1,
            });
            Ok::<_, Infallible>(Some(read("https://old.example", question.read_at)))
        })
        .await;
    assert!(found.expect("infallible").is_some());
    assert!(cache.get("abc").is_none());
}

#[tokio::test]
async fn no_table_of_a_thread_keeps_a_look_up_that_news_have_overtaken() {
    let (cache, _) = listening();
    let old = read("https://old.example", cache.now());
    let mut near = NearCache::new(&cache, 1);
    cache.hear(&News::Changed {
        codes: vec![code("abc")],
        as_of: READ_AS_OF + 1,
    });
    // Between a look-up's insertion and its taking back.
    cache.links.insert(code("abc"), old.clone());
    assert!(near.visit(&cache, "abc").is_some());
    cache.forget_if_overtaken(&code("abc"), &old);
    assert!(near.visit(&cache, "abc").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slower_than_visitors_wait_is_read_behind_their_answers() {
    let (cache, clock) = shared();
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_mins(1));
    let slowly = async |question: Question<'_>| {
        tokio::time::sleep(DOUBTFUL_WAIT_MAX * 2).await;
        Ok::<_, Infallible>(Some(read("https://two.example", question.read_at)))
    };
    let answer = cache.find(&code("abc"), slowly).await.expect("infallible");
    assert_eq!(
        utf8(answer.expect("a copy").original_url()),
        "https://one.example"
    );
    assert_eq!(cache.next_to_refresh().await, Some(code("abc")));
    assert!(cache.refresh(&code("abc"), slowly).await);
    let link = cache.get("abc").expect("in memory");
    assert_eq!(utf8(link.original_url()), "https://two.example");
}

#[tokio::test]
async fn what_is_found_elsewhere_while_the_store_is_away_stays_in_memory_and_is_not_believed_for_long() {
    let (cache, clock) = shared();
    clock.advance(Duration::from_secs(10));
    cache.hear(&News::Listening {
        as_of: READ_AS_OF + 1,
    });
    // Older than what was heard, as it comes from Redis when nothing else can be asked.
    look_up(&cache, "https://one.example").await;
    clock.advance(Duration::from_millis(200));
    beat(&cache, &clock);
    clock.advance(Duration::from_millis(700));
    beat(&cache, &clock);
    assert!(cache.get("abc").is_none(), "it may have been changed unheard");
    assert_eq!(
        look_up_in_vain(&cache).await.as_deref(),
        Some("https://one.example"),
        "it is all that there is of the link"
    );
}
