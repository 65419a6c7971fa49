//! Two whole servers on one PostgreSQL database: what is done on one is true on the other within a second.

mod alike;
mod pooler;
mod replica;

use serde_json::{Value, json};

use crate::engine;
use pooler::Pooler;
use replica::Replica;

/// Two replicas of one database. What `other` hears of the bus passes through a pooler.
struct Pair {
    one: Replica,
    other: Replica,
    pooler: Pooler,
}

impl Pair {
    async fn start(redis: Option<&str>) -> Self {
        let database = engine::database();
        let pooler = Pooler::before(&database).await;
        Self {
            one: Replica::start(&database, redis).await,
            other: Replica::start(&pooler.url, redis).await,
            pooler,
        }
    }

    /// Has the other replica hear nothing from now on; it finds that out itself.
    async fn cut_the_bus(&mut self) {
        self.pooler.set_drops(true);
        self.other.until("bus", "degraded").await;
    }

    async fn stop(self) {
        self.one.stop().await;
        self.other.stop().await;
    }
}

/// Does to a link what can be done, on one, and has the other obey each time.
async fn the_other_obeys_every_change(pair: &mut Pair) {
    let (one, other) = (&mut pair.one, &mut pair.other);
    assert_eq!(other.visit("abc").await.0, 404);
    let link = json!({ "original_url": "https://one.example/", "short_code": "abc" });
    let id = one.call(201, "POST", "/urls", link).await["id"].clone();
    let path = format!("/urls/{id}");
    other.obeys("abc", (302, "https://one.example/")).await;

    let target = json!({ "original_url": "https://two.example/" });
    one.call(200, "PATCH", &path, target).await;
    other.obeys("abc", (302, "https://two.example/")).await;

    one.call(200, "DELETE", "/links/abc", Value::Null).await;
    other.obeys("abc", (410, "")).await;
    one.call(200, "PATCH", &path, json!({ "is_active": true })).await;
    other.obeys("abc", (302, "https://two.example/")).await;

    assert_eq!(other.visit("def").await.0, 404);
    one.call(200, "PATCH", &path, json!({ "short_code": "def" }))
        .await;
    other.obeys("def", (302, "https://two.example/")).await;
    other.obeys("abc", (404, "")).await;
    let reused = json!({ "original_url": "https://three.example/", "short_code": "abc" });
    one.call(201, "POST", "/urls", reused).await;
    other.obeys("abc", (302, "https://three.example/")).await;

    one.call(200, "DELETE", &path, Value::Null).await;
    other.obeys("def", (404, "")).await;
    // And the one that made the changes, at once.
    assert_eq!(one.visit("def").await.0, 404);
    assert_eq!(one.visit("abc").await, (302, "https://three.example/".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_on_one_replica_is_obeyed_by_the_other() {
    let mut pair = Pair::start(None).await;
    the_other_obeys_every_change(&mut pair).await;
    assert!(pair.other.metric("terse_bus_listening").await > 0.0);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_obeyed_where_replicas_share_a_redis() {
    let redis = engine::redis().await;
    let mut pair = Pair::start(Some(&redis)).await;
    the_other_obeys_every_change(&mut pair).await;
    let asked = ["hit", "miss"].map(|outcome| format!("terse_redis_lookups_total{{outcome=\"{outcome}\"}}"));
    let mut lookups = 0.0;
    for outcome in &asked {
        lookups += pair.other.metric(outcome).await;
    }
    assert!(lookups > 0.0, "it was asked");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_obeyed_by_a_replica_that_hears_of_none() {
    let mut pair = Pair::start(None).await;
    pair.cut_the_bus().await;
    the_other_obeys_every_change(&mut pair).await;
    assert!(pair.other.metric("terse_bus_listening").await < 1.0);
    pair.pooler.set_drops(false);
    pair.other.until("bus", "ok").await;
    let link = json!({ "original_url": "https://four.example/", "short_code": "back" });
    pair.one.call(201, "POST", "/urls", link).await;
    pair.other.obeys("back", (302, "https://four.example/")).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_obeyed_by_a_replica_that_hears_of_none_and_has_a_redis() {
    let redis = engine::redis().await;
    let mut pair = Pair::start(Some(&redis)).await;
    pair.cut_the_bus().await;
    the_other_obeys_every_change(&mut pair).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_obeyed_by_a_replica_whose_bus_is_cut_in_the_moment_of_the_change() {
    let mut pair = Pair::start(None).await;
    let link = json!({ "original_url": "https://one.example/", "short_code": "abc" });
    let id = pair.one.call(201, "POST", "/urls", link).await["id"].clone();
    pair.other.obeys("abc", (302, "https://one.example/")).await;
    pair.pooler.set_drops(true);
    let target = json!({ "original_url": "https://two.example/" });
    pair.one.call(200, "PATCH", &format!("/urls/{id}"), target).await;
    pair.other.obeys("abc", (302, "https://two.example/")).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_of_both_replicas_are_one_log() {
    const VISITS: usize = 200;
    let mut pair = Pair::start(None).await;
    let (one, other) = (&mut pair.one, &mut pair.other);
    let link = json!({ "original_url": "https://one.example/", "short_code": "abc" });
    let id = one.call(201, "POST", "/urls", link).await["id"].clone();
    other.obeys("abc", (302, "https://one.example/")).await;
    let counted = other.get(&format!("/urls/{id}")).await["click_count"].clone();
    assert_eq!(counted, 1, "the only visit that was redirected so far");
    for _ in 0..VISITS / 2 {
        for replica in [&mut *one, &mut *other] {
            assert_eq!(replica.visit("abc").await.0, 302);
        }
    }
    // Nobody reads on the replica that has them.
    one.until_shipped().await;
    let counted = other.get(&format!("/urls/{id}")).await["click_count"].clone();
    assert_eq!(counted, VISITS + 1);
    other.until_shipped().await;
    for replica in [one, other] {
        let events = replica.get("/events?per_page=1000").await;
        let ids: Vec<_> = events
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| &event["id"])
            .collect();
        let ids: Vec<_> = ids.into_iter().filter_map(Value::as_i64).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
        let clicks = events.as_array().expect("a list").iter();
        let clicks = clicks.filter(|event| event["event_type"] == "click");
        assert_eq!(clicks.count(), VISITS + 1);
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_a_deleted_user_belong_to_nobody_on_the_other_replica_too() {
    let mut pair = Pair::start(None).await;
    let (one, other) = (&mut pair.one, &mut pair.other);
    let user = json!({ "username": "ada", "email": "ada@example.com" });
    let user = one.call(201, "POST", "/users", user).await["id"].clone();
    let link = json!({ "original_url": "https://one.example/", "short_code": "abc", "user_id": user });
    one.call(201, "POST", "/urls", link).await;
    other.obeys("abc", (302, "https://one.example/")).await;
    let last_owner = async |replica: &mut Replica| {
        let clicks = replica.get("/events?event_type=click&per_page=1000").await;
        clicks
            .as_array()
            .and_then(|clicks| clicks.last())
            .expect("a click")["user_id"]
            .clone()
    };
    assert_eq!(last_owner(other).await, user);
    one.call(200, "DELETE", &format!("/users/{user}"), Value::Null)
        .await;
    let deleted_at = other.now();
    loop {
        let late = other.now().saturating_sub(deleted_at);
        other.visit("abc").await;
        if last_owner(other).await.is_null() {
            break;
        }
        assert!(
            other.may_be_late(late).await,
            "a click of {late:?} later belongs to {user}"
        );
    }
    assert_eq!(other.get("/urls/1").await["user_id"], Value::Null);
    pair.stop().await;
}
