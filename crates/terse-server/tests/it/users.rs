use http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_user_is_created_read_changed_and_removed() {
    let app = TestApp::new().await;
    let answer = app
        .post(
            "/users",
            json!({ "username": " Ada ", "email": " Ada@Example.com " }),
        )
        .await;
    assert_eq!(answer.header("location"), "/users/1");
    assert_json_snapshot!(answer.json(StatusCode::CREATED), @r#"
    {
      "id": 1,
      "username": "Ada",
      "email": "Ada@Example.com",
      "created_at": "2026-11-24T09:30:00Z"
    }
    "#);
    assert_eq!(app.get("/users/1").await.text, answer.text);
    assert_eq!(
        app.put("/users/1", json!({ "username": "Grace" }))
            .await
            .json(StatusCode::OK)["username"],
        "Grace"
    );
    assert_eq!(
        app.patch("/users/1", json!({ "email": "g@example.com" }))
            .await
            .json(StatusCode::OK)["email"],
        "g@example.com"
    );
    let read = app.get("/users/1").await.json(StatusCode::OK);
    assert_eq!(app.put("/users/1", read.clone()).await.json(StatusCode::OK), read);
    assert_eq!(
        app.delete("/users/1").await.json(StatusCode::OK),
        json!({ "message": "User deleted" })
    );
    assert_eq!(app.get("/users/1").await.error(404), "Not found");
    assert_eq!(app.delete("/users/1").await.error(404), "Not found");
    assert_eq!(app.put("/users/1", json!({})).await.error(404), "Not found");
}

#[tokio::test]
async fn what_is_no_user_is_refused_with_its_reason() {
    let app = TestApp::new().await;
    let missing = "Missing required fields: username, email";
    for (body, error) in [
        (json!({}), missing),
        (json!({ "username": "ada" }), missing),
        (json!({ "email": "a@b.example" }), missing),
        (
            json!({ "username": "", "email": "a@b.example" }),
            "Username cannot be empty",
        ),
        (
            json!({ "username": "  ", "email": "" }),
            "Username cannot be empty",
        ),
        (
            json!({ "username": "ada", "email": " " }),
            "Email cannot be empty",
        ),
        (
            json!({ "username": "ada", "email": "nope" }),
            "Invalid email format",
        ),
        (
            json!({ "username": 5, "email": "a@b.example" }),
            "username must be a string",
        ),
        (
            json!({ "username": true, "email": "a@b.example" }),
            "username must be a string",
        ),
        (
            json!({ "username": null, "email": "a@b.example" }),
            "username must be a string",
        ),
        (
            json!({ "username": ["ada"], "email": "a@b.example" }),
            "username must be a string",
        ),
        (json!({ "username": "ada", "email": 5 }), "email must be a string"),
        (
            json!({ "username": "ada", "email": {} }),
            "email must be a string",
        ),
        (
            json!({ "username": "x".repeat(256), "email": "a@b.example" }),
            "Username must be at most 255 characters",
        ),
        (
            json!({ "username": "a\u{0}b", "email": "a@b.example" }),
            "Username must not contain control characters",
        ),
        (
            json!({ "username": "ada", "email": "a@b.example", "role": "admin" }),
            "Unknown field: role",
        ),
    ] {
        assert_eq!(app.post("/users", body.clone()).await.error(400), error, "{body}");
    }
    assert_eq!(app.get("/users").await.text, "[]", "nobody was stored");
}

#[tokio::test]
async fn names_and_addresses_belong_to_one_user() {
    let app = TestApp::new().await;
    app.post("/users", json!({ "username": "ada", "email": "ada@example.com" }))
        .await
        .json(StatusCode::CREATED);
    app.post(
        "/users",
        json!({ "username": "Ada", "email": "other@example.com" }),
    )
    .await
    .json(StatusCode::CREATED);
    let taken = "Username or email already exists";
    assert_eq!(
        app.post("/users", json!({ "username": "ada", "email": "new@example.com" }))
            .await
            .error(409),
        taken
    );
    assert_eq!(
        app.post("/users", json!({ "username": "new", "email": "ADA@example.com" }))
            .await
            .error(409),
        taken
    );
    assert_eq!(
        app.put("/users/2", json!({ "email": "Ada@Example.COM" }))
            .await
            .error(409),
        taken
    );
    assert_eq!(
        app.put("/users/2", json!({ "username": "ada" })).await.error(409),
        taken
    );
    assert_eq!(
        app.put("/users/1", json!({ "email": "ADA@EXAMPLE.COM" }))
            .await
            .json(StatusCode::OK)["email"],
        "ADA@EXAMPLE.COM"
    );
}

#[tokio::test]
async fn a_bad_change_of_a_user_changes_nothing() {
    let app = TestApp::new().await;
    app.user("ada").await;
    for (body, error) in [
        (json!({ "username": "" }), "Username cannot be empty"),
        (json!({ "username": null }), "username must be a string"),
        (json!({ "email": "x" }), "Invalid email format"),
        (
            json!({ "username": "grace", "email": "" }),
            "Email cannot be empty",
        ),
        (json!({ "password": "x" }), "Unknown field: password"),
    ] {
        assert_eq!(
            app.put("/users/1", body.clone()).await.error(400),
            error,
            "{body}"
        );
    }
    assert_eq!(app.get("/users/1").await.json(StatusCode::OK)["username"], "ada");
}

#[tokio::test]
async fn the_links_of_a_removed_user_stay_without_owner() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.user("ada").await, app.user("grace").await);
    for (owner, code) in [(ada, "a1"), (ada, "a2"), (grace, "g1")] {
        let link = json!({ "original_url": "https://example.com", "user_id": owner, "short_code": code });
        app.post("/urls", link).await.json(StatusCode::CREATED);
    }
    let codes = async |path: &str| {
        let links = app.get(path).await.json(StatusCode::OK);
        json!(
            links
                .as_array()
                .expect("a list")
                .iter()
                .map(|link| link["short_code"].clone())
                .collect::<Vec<_>>()
        )
    };
    assert_eq!(codes(&format!("/users/{ada}/urls")).await, json!(["a1", "a2"]));
    assert_eq!(codes(&format!("/urls?user_id={grace}")).await, json!(["g1"]));
    app.delete(&format!("/users/{ada}")).await.json(StatusCode::OK);
    assert_eq!(
        app.get(&format!("/users/{ada}/urls")).await.error(404),
        "Not found"
    );
    assert_eq!(
        app.get("/urls/1").await.json(StatusCode::OK)["user_id"],
        json!(null)
    );
    assert_eq!(app.get("/a1").await.status, StatusCode::FOUND);
    assert_ne!(app.user("new").await, ada, "ids are never given twice");
}
