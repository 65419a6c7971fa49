use axum::body::Body;
use http::{Method, StatusCode};
use insta::assert_json_snapshot;
use serde_json::json;

use crate::test_app::{TestApp, request};

#[tokio::test]
async fn a_problem_says_everything_about_itself() {
    let app = TestApp::new().await;
    let request = request(Method::POST, "/shorten")
        .header("x-request-id", "my-id-1")
        .header("content-type", "application/json");
    let answer = app.send(request.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-request-id"), "my-id-1");
    assert_json_snapshot!(answer.json(StatusCode::BAD_REQUEST), @r#"
    {
      "type": "about:blank",
      "title": "Bad Request",
      "status": 400,
      "detail": "Missing 'url' in request body",
      "instance": "my-id-1",
      "error": "Missing 'url' in request body",
      "errors": [
        {
          "field": "url",
          "message": "Missing 'url' in request body"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn all_bad_members_of_a_body_are_named_and_the_first_is_the_text() {
    let app = TestApp::new().await;
    app.user("ada").await;
    app.shorten("https://example.com").await;
    let missing_event = "Missing required fields: url_id, event_type";
    let missing_user = "Missing required fields: username, email";
    for (method, path, body, expected) in [
        (
            Method::POST,
            "/shorten",
            json!({ "colour": 1, "short_code": "a b", "url": "nope", "size": 2 }),
            &[
                ("url", "URL must start with http:// or https://"),
                (
                    "short_code",
                    "Short code may contain only letters, digits, '-' and '_'",
                ),
                ("colour", "Unknown field: colour"),
                ("size", "Unknown field: size"),
            ][..],
        ),
        (
            Method::POST,
            "/urls",
            json!({ "title": 1, "user_id": "me", "short_code": "api", "is_active": 5 }),
            &[
                ("original_url", "Missing required field: original_url"),
                ("title", "title must be a string"),
                ("user_id", "user_id must be an integer"),
                ("short_code", "Short code is reserved"),
                ("is_active", "is_active must be true or false"),
            ],
        ),
        (
            Method::PATCH,
            "/urls/1",
            json!({ "original_url": "", "short_code": null, "title": "a\u{0}" }),
            &[
                ("short_code", "short_code must be a string"),
                ("original_url", "URL cannot be empty"),
                ("title", "title must not contain control characters"),
            ],
        ),
        (
            Method::POST,
            "/users",
            json!({ "username": " ", "email": "nonsense" }),
            &[
                ("username", "Username cannot be empty"),
                ("email", "Invalid email format"),
            ],
        ),
        (
            Method::POST,
            "/users",
            json!({ "username": 5 }),
            &[("email", missing_user), ("username", "username must be a string")],
        ),
        (
            Method::PUT,
            "/users/1",
            json!({ "username": [], "email": "" }),
            &[
                ("username", "username must be a string"),
                ("email", "Email cannot be empty"),
            ],
        ),
        (
            Method::POST,
            "/events",
            json!({ "user_id": -1, "details": [] }),
            &[
                ("url_id", missing_event),
                ("event_type", missing_event),
                ("user_id", "user_id must be a positive integer"),
                ("details", "details must be a JSON object"),
            ],
        ),
    ] {
        let answer = app.json(method, path, &body.to_string()).await;
        assert_eq!(answer.error(400), expected[0].1, "{path} {body}");
        let named = |(field, message)| json!({ "field": field, "message": message });
        let expected: Vec<_> = expected.iter().copied().map(named).collect();
        assert_eq!(
            answer.json(StatusCode::BAD_REQUEST)["errors"],
            json!(expected),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn of_thousands_of_bad_members_a_hundred_are_named() {
    let app = TestApp::new().await;
    let members: serde_json::Map<_, _> = (0..4_000).map(|n| (format!("m{n}"), json!(0))).collect();
    let answer = app.post("/shorten", members.into()).await;
    let errors = &answer.json(StatusCode::BAD_REQUEST)["errors"];
    assert_eq!(errors.as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let app = TestApp::new().await;
    for path in [
        "/a/b",
        "/urls/1/x",
        "/shorten/",
        "/users/",
        "/api/v1",
        "/api/v1/a/b",
        "/api/v2/urls",
        "//",
        "/health/x",
    ] {
        assert_eq!(app.get(path).await.error(404), "Not found", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::new().await;
    for (method, path, allowed) in [
        (Method::GET, "/shorten", vec!["POST"]),
        (Method::DELETE, "/urls", vec!["GET", "HEAD", "POST"]),
        (
            Method::POST,
            "/urls/1",
            vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"],
        ),
        (
            Method::POST,
            "/api/v1/urls/1",
            vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"],
        ),
        (Method::PUT, "/users", vec!["GET", "HEAD", "POST"]),
        (Method::POST, "/health", vec!["GET", "HEAD"]),
        (Method::POST, "/docs", vec!["GET", "HEAD"]),
        (Method::GET, "/users/bulk", vec!["POST"]),
        (Method::POST, "/abc", vec!["GET", "HEAD"]),
        (Method::DELETE, "/abc", vec!["GET", "HEAD"]),
        (Method::GET, "/links/abc", vec!["DELETE"]),
        (
            Method::from_bytes(b"BREW").expect("a token"),
            "/events",
            vec!["GET", "HEAD", "POST"],
        ),
    ] {
        let answer = app
            .send(
                request(method.clone(), path)
                    .body(Body::empty())
                    .expect("a request"),
            )
            .await;
        assert_eq!(answer.error(405), "Method not allowed", "{method} {path}");
        let mut allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow, allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    let mut ids = Vec::new();
    for path in [
        "/health",
        "/nosuch",
        "/urls",
        "/a/b",
        &format!("/{code}"),
        "/docs",
    ] {
        ids.push(app.get(path).await.header("x-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    for (given, kept) in [
        ("abc-123", true),
        ("a b", false),
        ("", false),
        (&*"x".repeat(129), false),
        ("ä", false),
    ] {
        let request = request(Method::GET, "/health").header("x-request-id", given);
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        let id = answer.headers["x-request-id"].as_bytes();
        assert_eq!(id == given.as_bytes(), kept, "{given:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_told_apart_from_a_fault() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    app.app.store.close().await;
    let answer = app
        .post("/shorten", serde_json::json!({ "url": "https://example.com" }))
        .await;
    assert_eq!(
        answer.error(503),
        "Service temporarily unavailable, try again later"
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(app.get("/unknown1").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        app.get(&format!("/{code}")).await.status,
        StatusCode::FOUND,
        "what is in memory still redirects"
    );
    let ready = app.get("/readyz").await.json(StatusCode::OK);
    assert_eq!(
        ready["status"], "degraded",
        "known links are worth sending visitors for"
    );
    let health = app.get("/health").await.json(StatusCode::OK);
    assert_eq!(
        (&health["status"], &health["database"]),
        (&serde_json::json!("ok"), &serde_json::json!("unavailable"))
    );
}

#[tokio::test]
async fn a_reserved_word_that_nothing_is_at_is_not_found_by_any_method() {
    let app = TestApp::new().await;
    for path in [
        "/dashboard",
        "/robots.txt",
        "/-x",
        "/api",
        "/API/v1/login",
        "/api/v1/login",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let answer = app
                .send(
                    request(method.clone(), path)
                        .body(Body::empty())
                        .expect("a request"),
                )
                .await;
            assert_eq!(answer.error(404), "Not found", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn nobody_on_the_way_may_keep_a_problem() {
    let app = TestApp::new().await;
    for path in ["/nosuch", "/urls/1", "/a/b", "/urls?page=0"] {
        assert_eq!(app.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(app.get("/nosuch").await.header("vary"), "accept");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_change_anything() {
    let app = TestApp::new().await;
    let foreign = |method: Method, path: &str| {
        let request = request(method, path)
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site");
        request
            .header("content-type", "application/json")
            .body(Body::from(r#"{"url":"https://example.com"}"#))
            .expect("a request")
    };
    for (method, path) in [
        (Method::POST, "/shorten"),
        (Method::POST, "/urls"),
        (Method::PUT, "/urls/1"),
        (Method::DELETE, "/urls/1"),
        (Method::DELETE, "/links/abc"),
        (Method::POST, "/users"),
        (Method::PATCH, "/users/1"),
        (Method::DELETE, "/users/1"),
        (Method::POST, "/users/bulk"),
        (Method::POST, "/events"),
        (Method::POST, "/api/v1/shorten"),
    ] {
        let answer = app.send(foreign(method.clone(), path)).await;
        assert_eq!(
            answer.error(403),
            "Browsers may not call this from another site",
            "{method} {path}"
        );
    }
    assert_eq!(
        app.send(foreign(Method::GET, "/urls")).await.json(StatusCode::OK),
        serde_json::json!([])
    );
}
