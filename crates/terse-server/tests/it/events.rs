use http::StatusCode;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn an_event_reads_back_as_it_was_recorded() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/events").await.text, "[]");
    let details = json!({ "z": 1, "a": { "b": [true, null, "ü"] }, "big": 9_007_199_254_740_993_u64 });
    let answer = app
        .post(
            "/events",
            json!({ "url_id": 7, "event_type": " scanned ", "user_id": 3, "details": details }),
        )
        .await;
    let event = answer.json(StatusCode::CREATED);
    assert_eq!(
        event,
        json!({
            "id": 1, "url_id": 7, "user_id": 3, "event_type": "scanned", "timestamp": "2026-11-24T09:30:00Z", "details": details,
        })
    );
    assert_eq!(app.get("/events").await.json(StatusCode::OK), json!([event]));
    assert_eq!(
        app.get(answer.header("location")).await.json(StatusCode::OK),
        json!([event])
    );
    let bare = app
        .post(
            "/events",
            json!({ "url_id": i64::MAX, "event_type": "x", "user_id": null, "details": null }),
        )
        .await;
    assert_eq!(bare.json(StatusCode::CREATED)["details"], json!(null));
    assert_eq!(
        app.post("/events", event).await.json(StatusCode::CREATED)["id"],
        3,
        "what was read can be sent back"
    );
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_its_reason() {
    let app = TestApp::new().await;
    let missing = "Missing required fields: url_id, event_type";
    for (body, error) in [
        (json!({}), missing),
        (json!({ "url_id": 1 }), missing),
        (json!({ "event_type": "x" }), missing),
        (
            json!({ "url_id": "1", "event_type": "x" }),
            "url_id must be an integer",
        ),
        (
            json!({ "url_id": 1.0, "event_type": "x" }),
            "url_id must be an integer",
        ),
        (
            json!({ "url_id": true, "event_type": "x" }),
            "url_id must be an integer",
        ),
        (
            json!({ "url_id": null, "event_type": "x" }),
            "url_id must be an integer",
        ),
        (
            json!({ "url_id": 18_446_744_073_709_551_615_u64, "event_type": "x" }),
            "url_id must be an integer",
        ),
        (
            json!({ "url_id": 0, "event_type": "x" }),
            "url_id must be a positive integer",
        ),
        (
            json!({ "url_id": -5, "event_type": "x" }),
            "url_id must be a positive integer",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "user_id": 0 }),
            "user_id must be a positive integer",
        ),
        (
            json!({ "url_id": 1, "event_type": "" }),
            "event_type cannot be empty",
        ),
        (
            json!({ "url_id": 1, "event_type": 5 }),
            "event_type must be a string",
        ),
        (
            json!({ "url_id": 1, "event_type": "x".repeat(101) }),
            "event_type must be at most 100 characters",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "user_id": "me" }),
            "user_id must be an integer",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "details": "y" }),
            "details must be a JSON object",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "details": [] }),
            "details must be a JSON object",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "details": { "a": "\u{0}" } }),
            "details must not contain U+0000",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "details": { "a": "y".repeat(20_000) } }),
            "details must be at most 16384 bytes of JSON",
        ),
        (
            json!({ "url_id": 1, "event_type": "x", "colour": "red" }),
            "Unknown field: colour",
        ),
    ] {
        assert_eq!(
            app.post("/events", body.clone()).await.error(400),
            error,
            "{body}"
        );
    }
    assert_eq!(app.get("/events").await.text, "[]");
}

#[tokio::test]
async fn events_are_filtered_by_link_user_and_type() {
    let app = TestApp::new().await;
    for (url, user, kind) in [(1, 1, "a"), (1, 2, "b"), (2, 1, "a"), (2, 2, "click")] {
        app.post(
            "/events",
            json!({ "url_id": url, "user_id": user, "event_type": kind }),
        )
        .await
        .json(StatusCode::CREATED);
    }
    for (query, count) in [
        ("", 4),
        ("?url_id=1", 2),
        ("?user_id=2", 2),
        ("?event_type=a", 2),
        ("?event_type=click", 1),
        ("?url_id=2&user_id=2&event_type=click", 1),
        ("?url_id=1&event_type=click", 0),
        ("?url_id=-1", 0),
        ("?event_type=A", 0),
        ("?unknown=1", 4),
    ] {
        assert_eq!(app.events(query).await.len(), count, "{query}");
    }
    for (query, error) in [
        ("?url_id=x", "url_id must be an integer"),
        ("?user_id=1.5", "user_id must be an integer"),
        ("?url_id=", "url_id must be an integer"),
        ("?event_type=", "event_type cannot be empty"),
        ("?url_id=99999999999999999999", "url_id must be an integer"),
    ] {
        assert_eq!(
            app.get(&format!("/events{query}")).await.error(400),
            error,
            "{query}"
        );
    }
}

#[tokio::test]
async fn events_keep_their_order_when_the_clock_is_set_back() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    app.clock.set("2026-11-24T08:30:00Z".parse().expect("a time"));
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    let renamed = app.patch("/urls/1", json!({ "title": "later" })).await;
    assert_eq!(renamed.status, StatusCode::OK);
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);

    let events = app.get("/events").await.json(StatusCode::OK);
    let events = events.as_array().expect("a list").iter();
    let events: Vec<_> = events
        .map(|event| json!([event["id"], event["event_type"], event["timestamp"]]))
        .collect();
    let (before, after) = ("2026-11-24T09:30:00Z", "2026-11-24T08:30:00Z");
    assert_eq!(
        json!(events),
        json!([
            [1, "created", before],
            [2, "click", before],
            [3, "click", after],
            [4, "updated", after],
            [5, "click", after],
        ])
    );
    let link = app.get("/urls/1").await.json(StatusCode::OK);
    assert_eq!(link["click_count"], 3);
}
