use http::{Method, StatusCode};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::test_app::TestApp;

#[tokio::test]
async fn a_link_is_created_with_all_that_a_client_may_say() {
    let app = TestApp::new().await;
    let owner = app.user("ada").await;
    let answer = app
        .post("/urls", json!({
            "original_url": "https://example.com", "title": " Brief ", "user_id": owner, "short_code": "abc", "is_active": false,
        }))
        .await;
    assert_eq!(answer.header("location"), "/urls/1");
    assert_json_snapshot!(answer.json(StatusCode::CREATED), @r#"
    {
      "id": 1,
      "user_id": 1,
      "short_code": "abc",
      "short_url": "http://sho.rt/abc",
      "original_url": "https://example.com",
      "title": "Brief",
      "is_active": false,
      "click_count": 0,
      "created_at": "2026-11-24T09:30:00Z",
      "updated_at": "2026-11-24T09:30:00Z"
    }
    "#);
    assert_eq!(app.get("/urls/1").await.text, answer.text);
}

#[tokio::test]
async fn what_is_no_link_is_refused_with_its_reason() {
    let app = TestApp::new().await;
    for (body, status, error) in [
        (json!({}), 400, "Missing required field: original_url"),
        (
            json!({ "title": "x" }),
            400,
            "Missing required field: original_url",
        ),
        (json!({ "original_url": "" }), 400, "URL cannot be empty"),
        (
            json!({ "original_url": "ftp://x" }),
            400,
            "URL must start with http:// or https://",
        ),
        (
            json!({ "original_url": {} }),
            400,
            "original_url must be a string",
        ),
        (
            json!({ "original_url": "https://e.com", "title": 1 }),
            400,
            "title must be a string",
        ),
        (
            json!({ "original_url": "https://e.com", "title": "x".repeat(501) }),
            400,
            "title must be at most 500 characters",
        ),
        (
            json!({ "original_url": "https://e.com", "title": "a\u{0}" }),
            400,
            "title must not contain control characters",
        ),
        (
            json!({ "original_url": "https://e.com", "user_id": "1" }),
            400,
            "user_id must be an integer",
        ),
        (
            json!({ "original_url": "https://e.com", "user_id": true }),
            400,
            "user_id must be an integer",
        ),
        (
            json!({ "original_url": "https://e.com", "user_id": 1.5 }),
            400,
            "user_id must be an integer",
        ),
        (
            json!({ "original_url": "https://e.com", "user_id": 1 }),
            404,
            "User not found",
        ),
        (
            json!({ "original_url": "https://e.com", "user_id": 0 }),
            404,
            "User not found",
        ),
        (
            json!({ "original_url": "https://e.com", "is_active": "yes" }),
            400,
            "is_active must be true or false",
        ),
        (
            json!({ "original_url": "https://e.com", "url": "x" }),
            400,
            "Unknown field: url",
        ),
    ] {
        assert_eq!(
            app.post("/urls", body.clone()).await.error(status),
            error,
            "{body}"
        );
    }
    assert_eq!(app.get("/urls").await.text, "[]", "nothing was stored");
    assert_eq!(app.get("/events").await.text, "[]", "nothing happened");
}

#[tokio::test]
async fn a_taken_code_is_a_conflict_on_creation_and_on_change() {
    let app = TestApp::new().await;
    for code in ["one", "two"] {
        let link = json!({ "original_url": "https://example.com", "short_code": code });
        app.post("/urls", link).await.json(StatusCode::CREATED);
    }
    let again = json!({ "original_url": "https://example.com", "short_code": "one" });
    assert_eq!(
        app.post("/urls", again).await.error(409),
        "Short code already taken"
    );
    assert_eq!(
        app.put("/urls/2", json!({ "short_code": "one" }))
            .await
            .error(409),
        "Short code already taken"
    );
    assert_eq!(app.get("/urls/2").await.json(StatusCode::OK)["short_code"], "two");
    app.put("/urls/2", json!({ "short_code": "two" }))
        .await
        .json(StatusCode::OK);
}

#[tokio::test]
async fn put_and_patch_change_what_they_name() {
    let app = TestApp::new().await;
    let link = json!({ "original_url": "https://example.com", "title": "old", "short_code": "abc" });
    app.post("/urls", link).await.json(StatusCode::CREATED);
    app.later();
    let changed = app
        .put("/urls/1", json!({ "title": "new" }))
        .await
        .json(StatusCode::OK);
    assert_eq!(
        (&changed["title"], &changed["short_code"]),
        (&json!("new"), &json!("abc"))
    );
    assert_eq!(
        (&changed["created_at"], &changed["updated_at"]),
        (&json!("2026-11-24T09:30:00Z"), &json!("2026-11-24T09:30:01Z"))
    );
    let untitled = app
        .patch("/urls/1", json!({ "title": null, "is_active": false }))
        .await
        .json(StatusCode::OK);
    assert_eq!(
        (&untitled["title"], &untitled["is_active"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(app.put("/urls/1", json!({})).await.json(StatusCode::OK), untitled);
}

#[tokio::test]
async fn naming_a_member_is_a_change_whatever_its_value_and_naming_none_is_not() {
    let app = TestApp::new().await;
    let link = json!({ "original_url": "https://example.com", "title": "x", "short_code": "abc" });
    app.post("/urls", link).await.json(StatusCode::CREATED);
    for (method, body, updated_at) in [
        (Method::PUT, json!({ "title": "x" }), "2026-11-24T09:30:01Z"),
        (
            Method::PATCH,
            json!({ "is_active": true, "short_code": "abc" }),
            "2026-11-24T09:30:02Z",
        ),
        (Method::PATCH, json!({}), "2026-11-24T09:30:02Z"),
    ] {
        app.later();
        let link = app.json(method, "/urls/1", &body.to_string()).await;
        assert_eq!(link.json(StatusCode::OK)["updated_at"], updated_at, "{body}");
    }
    assert_eq!(
        app.events("?event_type=updated").await.len(),
        0,
        "nothing is another"
    );
}

#[tokio::test]
async fn an_object_that_was_read_can_be_sent_back() {
    let app = TestApp::new().await;
    let owner = app.user("ada").await;
    let link = app
        .post(
            "/urls",
            json!({ "original_url": "https://example.com", "user_id": owner }),
        )
        .await;
    let mut link = link.json(StatusCode::CREATED);
    app.get(
        link["short_url"]
            .as_str()
            .expect("a URL")
            .strip_prefix("http://sho.rt")
            .expect("ours"),
    )
    .await;
    let read = app.get("/urls/1").await.json(StatusCode::OK);
    app.later();
    let sent = app.put("/urls/1", read.clone()).await.json(StatusCode::OK);
    assert_eq!(sent["click_count"], 1);
    link["user_id"] = json!(owner + 1);
    assert_eq!(
        app.put("/urls/1", link.clone()).await.error(400),
        "user_id cannot be changed"
    );
    link["user_id"] = json!(owner);
    link["short_code"] = json!("other");
    let copy = app.post("/urls", link).await.json(StatusCode::CREATED);
    assert_eq!((&copy["id"], &copy["click_count"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn a_bad_change_changes_nothing() {
    let app = TestApp::new().await;
    app.post(
        "/urls",
        json!({ "original_url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    let before = app.get("/urls/1").await.text;
    for (body, error) in [
        (
            json!({ "original_url": "nope" }),
            "URL must start with http:// or https://",
        ),
        (json!({ "original_url": null }), "original_url must be a string"),
        (json!({ "short_code": "" }), "Short code cannot be empty"),
        (json!({ "short_code": null }), "short_code must be a string"),
        (json!({ "short_code": "api" }), "Short code is reserved"),
        (json!({ "is_active": null }), "is_active must be true or false"),
        (json!({ "is_active": 1 }), "is_active must be true or false"),
        (json!({ "title": [] }), "title must be a string"),
        (
            json!({ "title": "good", "original_url": "bad" }),
            "URL must start with http:// or https://",
        ),
        (json!({ "owner": 5 }), "Unknown field: owner"),
    ] {
        assert_eq!(
            app.patch("/urls/1", body.clone()).await.error(400),
            error,
            "{body}"
        );
    }
    assert_eq!(
        app.json(Method::PUT, "/urls/1", "").await.error(400),
        "Missing request body"
    );
    assert_eq!(app.get("/urls/1").await.text, before);
    assert_eq!(app.events("").await.len(), 1, "only the creation happened");
}

#[tokio::test]
async fn a_deleted_link_is_gone_and_its_events_stay() {
    let app = TestApp::new().await;
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    app.get("/abc").await;
    assert_eq!(
        app.delete("/urls/1").await.json(StatusCode::OK),
        json!({ "message": "URL deleted" })
    );
    assert_eq!(app.delete("/urls/1").await.error(404), "Not found");
    assert_eq!(app.get("/abc").await.error(404), "Short link not found");
    let types: Vec<_> = app
        .events("?url_id=1")
        .await
        .iter()
        .map(|event| event["event_type"].clone())
        .collect();
    assert_eq!(json!(types), json!(["created", "click", "deleted"]));
    let reborn = app
        .post(
            "/shorten",
            json!({ "url": "https://example.com", "short_code": "abc" }),
        )
        .await;
    let reborn = reborn.json(StatusCode::CREATED);
    assert_eq!((&reborn["id"], &reborn["click_count"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn what_happened_to_a_link_is_told_by_its_events() {
    let app = TestApp::new().await;
    app.post(
        "/urls",
        json!({ "original_url": "https://one.example", "short_code": "abc", "title": "t" }),
    )
    .await
    .json(StatusCode::CREATED);
    app.patch(
        "/urls/1",
        json!({ "original_url": "https://two.example", "title": null, "is_active": true }),
    )
    .await
    .json(StatusCode::OK);
    app.patch("/urls/1", json!({ "is_active": false, "short_code": "xyz" }))
        .await
        .json(StatusCode::OK);
    app.delete("/urls/1").await.json(StatusCode::OK);
    let told: Vec<_> = app
        .events("")
        .await
        .iter()
        .map(|event| json!([event["event_type"], event["details"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["created", { "short_code": "abc", "original_url": "https://one.example" }],
            ["updated", { "field": "original_url", "new_value": "https://two.example" }],
            ["updated", { "field": "title", "new_value": null }],
            ["updated", { "field": "short_code", "new_value": "xyz" }],
            ["updated", { "field": "is_active", "new_value": false }],
            ["deleted", { "reason": "user_requested" }],
        ])
    );
}

#[tokio::test]
async fn ids_that_nothing_has_are_not_found() {
    let app = TestApp::new().await;
    for id in ["1", "0", "-1", "abc", "1.5", "99999999999999999999", "%00", "%ff"] {
        let path = format!("/urls/{id}");
        assert_eq!(app.get(&path).await.error(404), "Not found", "{id}");
        assert_eq!(
            app.put(&path, json!({ "title": "x" })).await.error(404),
            "Not found",
            "{id}"
        );
        assert_eq!(app.patch(&path, json!({})).await.error(404), "Not found", "{id}");
        assert_eq!(app.delete(&path).await.error(404), "Not found", "{id}");
    }
}
