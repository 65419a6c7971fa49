use http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_shortened_url_is_a_link() {
    let app = TestApp::new().await;
    let answer = app
        .post(
            "/shorten",
            json!({ "url": "  https://example.com/a b ", "short_code": " hello " }),
        )
        .await;
    assert_eq!(answer.header("location"), "/urls/1");
    assert_json_snapshot!(answer.json(StatusCode::CREATED), @r#"
    {
      "id": 1,
      "user_id": null,
      "short_code": "hello",
      "short_url": "http://sho.rt/hello",
      "original_url": "https://example.com/a b",
      "title": null,
      "is_active": true,
      "click_count": 0,
      "created_at": "2026-11-24T09:30:00Z",
      "updated_at": "2026-11-24T09:30:00Z"
    }
    "#);
    assert_eq!(
        app.get("/hello").await.header("location"),
        "https://example.com/a%20b"
    );
}

#[tokio::test]
async fn a_code_is_generated_when_none_is_given() {
    let app = TestApp::new().await;
    for body in [
        json!({ "url": "https://example.com" }),
        json!({ "url": "https://example.com", "short_code": null }),
        json!({ "url": "https://example.com", "short_code": " " }),
    ] {
        let link = app.post("/shorten", body).await.json(StatusCode::CREATED);
        let code = link["short_code"].as_str().expect("a code");
        assert_eq!(code.len(), 6);
        assert!(code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
        assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    }
}

#[tokio::test]
async fn what_cannot_be_shortened_is_refused_with_its_reason() {
    let app = TestApp::new().await;
    for (body, error) in [
        (json!({}), "Missing 'url' in request body"),
        (json!({ "short_code": "x" }), "Missing 'url' in request body"),
        (json!({ "url": "" }), "URL cannot be empty"),
        (json!({ "url": " \t" }), "URL cannot be empty"),
        (
            json!({ "url": "example.com" }),
            "URL must start with http:// or https://",
        ),
        (
            json!({ "url": "javascript:alert(1)" }),
            "URL must start with http:// or https://",
        ),
        (json!({ "url": "https://a..b" }), "URL has an invalid host name"),
        (json!({ "url": null }), "url must be a string"),
        (json!({ "url": 5 }), "url must be a string"),
        (json!({ "url": ["https://example.com"] }), "url must be a string"),
        (
            json!({ "url": "https://e.com", "short_code": 5 }),
            "short_code must be a string",
        ),
        (
            json!({ "url": "https://e.com", "short_code": "a b" }),
            "Short code may contain only letters, digits, '-' and '_'",
        ),
        (
            json!({ "url": "https://e.com", "short_code": "-a" }),
            "Short code must start with a letter or digit",
        ),
        (
            json!({ "url": "https://e.com", "short_code": "x".repeat(65) }),
            "Short code must be at most 64 characters",
        ),
        (
            json!({ "url": "https://e.com", "short_code": "Health" }),
            "Short code is reserved",
        ),
        (
            json!({ "url": "https://e.com", "colour": "red" }),
            "Unknown field: colour",
        ),
        (
            json!({ "url": "https://e.com", "original_url": "x" }),
            "Unknown field: original_url",
        ),
    ] {
        let answer = app.post("/shorten", body.clone()).await;
        assert_eq!(answer.error(400), error, "{body}");
    }
    assert_eq!(app.get("/urls").await.text, "[]", "nothing was stored");
}

#[tokio::test]
async fn a_code_that_is_taken_stays_with_its_link() {
    let app = TestApp::new().await;
    app.post(
        "/shorten",
        json!({ "url": "https://first.example", "short_code": "mine" }),
    )
    .await
    .json(StatusCode::CREATED);
    let answer = app
        .post(
            "/shorten",
            json!({ "url": "https://second.example", "short_code": "mine" }),
        )
        .await;
    assert_eq!(answer.error(409), "Short code already taken");
    assert_eq!(app.get("/mine").await.header("location"), "https://first.example");
    app.post(
        "/shorten",
        json!({ "url": "https://second.example", "short_code": "MINE" }),
    )
    .await
    .json(StatusCode::CREATED);
    assert_eq!(
        app.get("/MINE").await.header("location"),
        "https://second.example"
    );
}

#[tokio::test]
async fn of_a_hundred_that_want_one_code_one_gets_it() {
    let app = std::sync::Arc::new(TestApp::new().await);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..100 {
        let app = std::sync::Arc::clone(&app);
        clients.spawn(async move {
            let url = format!("https://example.com/{client}");
            app.post("/shorten", json!({ "url": url, "short_code": "same" }))
                .await
                .status
        });
    }
    let answers = clients.join_all().await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(StatusCode::CREATED), count(StatusCode::CONFLICT)), (1, 99));
    assert_eq!(app.events("?event_type=created").await.len(), 1);
}

#[tokio::test]
async fn the_same_target_twice_makes_two_links() {
    let app = TestApp::new().await;
    assert_ne!(
        app.shorten("https://example.com").await,
        app.shorten("https://example.com").await
    );
}

#[tokio::test]
async fn short_urls_start_with_the_configured_base() {
    let app = TestApp::with(|raw| raw.base_url = Some("https://go.example/s/".into())).await;
    let link = app
        .post(
            "/shorten",
            json!({ "url": "https://example.com", "short_code": "x" }),
        )
        .await;
    assert_eq!(
        link.json(StatusCode::CREATED)["short_url"],
        "https://go.example/s/x"
    );
}

#[tokio::test]
async fn links_to_the_service_itself_would_lead_in_circles() {
    let app = TestApp::with(|raw| raw.base_url = Some("https://go.example".into())).await;
    for url in [
        "https://go.example/x",
        "http://go.example/x",
        "https://GO.example:443",
        "http://go.example:80/",
        "https://go.example./x",
        "https://ｇｏ.example/x",
        "https://go%2Eexample/",
    ] {
        let answer = app.post("/shorten", json!({ "url": url })).await;
        assert_eq!(
            answer.error(400),
            "URL must not lead back to this service",
            "{url}"
        );
    }
    for url in [
        "https://go.example:8443/",
        "https://other.example/go.example",
        "https://sub.go.example/",
    ] {
        app.post("/shorten", json!({ "url": url }))
            .await
            .json(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn codes_get_longer_before_guessing_pays() {
    let app = TestApp::new().await;
    let link = terse_core::NewLink {
        id: Some(terse_core::LinkId::new(60_000).expect("positive")),
        owner: None,
        short_code: "first".parse().expect("a code"),
        target: "https://example.com".parse().expect("a target"),
        title: None,
        is_active: true,
        created_at: terse_core::Timestamp::from_millis(0),
        updated_at: terse_core::Timestamp::from_millis(0),
    };
    app.app.store.import_links(vec![link]).await.expect("imported");
    assert_eq!(app.shorten("https://example.com").await.len(), 7);
}
