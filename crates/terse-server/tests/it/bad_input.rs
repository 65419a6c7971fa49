//! Rubbish on every route that takes a body: always 4xx with a reason, never stored.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::test_app::{TestApp, request};

const ROUTES: [(Method, &str, &str); 7] = [
    (Method::POST, "/shorten", "Missing 'url' in request body"),
    (Method::POST, "/urls", "Missing required field: original_url"),
    (Method::PUT, "/urls/1", "Missing request body"),
    (Method::PATCH, "/urls/1", "Missing request body"),
    (Method::POST, "/users", "Missing required fields: username, email"),
    (Method::PUT, "/users/1", "Missing request body"),
    (
        Method::POST,
        "/events",
        "Missing required fields: url_id, event_type",
    ),
];

async fn with_one_of_each() -> (TestApp, [String; 3]) {
    let app = TestApp::new().await;
    app.user("ada").await;
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    let state = state(&app).await;
    (app, state)
}

async fn state(app: &TestApp) -> [String; 3] {
    [
        app.get("/urls").await.text,
        app.get("/users").await.text,
        app.get("/events").await.text,
    ]
}

#[tokio::test]
async fn a_body_that_is_missing_or_not_called_json_is_missing() {
    let (app, before) = with_one_of_each().await;
    let good = r#"{"url":"https://e.com","original_url":"https://e.com","username":"x","email":"x@example.com","url_id":1,"event_type":"x"}"#;
    for (method, path, missing) in ROUTES {
        assert_eq!(
            app.json(method.clone(), path, "").await.error(400),
            missing,
            "{path}"
        );
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "json",
            "",
            "multipart/form-data",
        ] {
            let request = request(method.clone(), path).header("content-type", content_type);
            let answer = app.send(request.body(Body::from(good)).expect("a request")).await;
            assert_eq!(answer.error(400), missing, "{path} {content_type}");
        }
        let answer = app
            .send(request(method, path).body(Body::from(good)).expect("a request"))
            .await;
        assert_eq!(answer.error(400), missing, "{path} without content type");
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn json_may_be_called_so_in_any_case_and_with_a_charset() {
    let app = TestApp::new().await;
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json ;x=y",
    ] {
        let request = request(Method::POST, "/shorten").header("content-type", content_type);
        let answer = app
            .send(
                request
                    .body(Body::from(r#"{"url":"https://example.com"}"#))
                    .expect("a request"),
            )
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{content_type}");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let (app, before) = with_one_of_each().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (method, path, _) in ROUTES {
        for body in [
            "[]",
            "5",
            "\"text\"",
            "null",
            "true",
            "[{\"url\":\"https://e.com\"}]",
        ] {
            let answer = app.json(method.clone(), path, body).await;
            assert_eq!(
                answer.error(400),
                "Request body must be a JSON object",
                "{path} {body}"
            );
        }
        for body in [
            "{",
            "{\"url\":\"https://e.com\"",
            "{\"url\":}",
            "{'url':1}",
            "\u{feff}{}",
            "{}x",
            "{\"a\":1e999}",
            "{\"url\":\"\\ud800\"}",
            "\0",
            &deep,
        ] {
            let error = app.json(method.clone(), path, body).await.error(400);
            assert!(
                error.starts_with("Malformed JSON: "),
                "{path} {body:.40}: {error}"
            );
        }
        let request = request(method, path).header("content-type", "application/json");
        let answer = app
            .send(
                request
                    .body(Body::from(&b"{\"url\":\"\xff\xfe\"}"[..]))
                    .expect("a request"),
            )
            .await;
        assert!(answer.error(400).starts_with("Malformed JSON: "));
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn every_member_refuses_every_wrong_type() {
    let (app, before) = with_one_of_each().await;
    let good = [
        (
            Method::POST,
            "/shorten",
            json!({ "url": "https://e.com", "short_code": "x" }),
        ),
        (
            Method::POST,
            "/urls",
            json!({ "original_url": "https://e.com", "title": "x", "user_id": 1, "short_code": "x", "is_active": true }),
        ),
        (
            Method::PATCH,
            "/urls/1",
            json!({ "original_url": "https://e.com", "title": "x", "short_code": "x", "is_active": true, "user_id": null }),
        ),
        (
            Method::POST,
            "/users",
            json!({ "username": "x", "email": "x@example.com" }),
        ),
        (
            Method::PUT,
            "/users/1",
            json!({ "username": "x", "email": "x@example.com" }),
        ),
        (
            Method::POST,
            "/events",
            json!({ "url_id": 1, "event_type": "x", "user_id": 1, "details": {} }),
        ),
    ];
    let values = [
        json!("text"),
        json!(5),
        json!(1.5),
        json!(true),
        json!([1]),
        json!({ "a": 1 }),
    ];
    for (method, path, body) in good {
        for member in body.as_object().expect("an object").keys() {
            for value in &values {
                if kind(value) == kind(&body[member]) || (member == "user_id" && value.is_i64()) {
                    continue;
                }
                let mut wrong = body.clone();
                wrong[member] = value.clone();
                let answer = app.json(method.clone(), path, &wrong.to_string()).await;
                let error = answer.error(400);
                assert!(
                    error.contains(member.as_str()),
                    "{method} {path} {member}={value}: {error}"
                );
                let problem: Value = serde_json::from_str(&answer.text).expect("JSON");
                assert_eq!(problem["errors"][0]["field"], *member);
            }
        }
    }
    assert_eq!(state(&app).await, before);
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(number) if number.is_i64() => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    let (app, before) = with_one_of_each().await;
    let huge = json!({ "url": format!("https://example.com/{}", "a".repeat(1 << 20)) }).to_string();
    for (method, path, _) in ROUTES {
        let error = app.json(method, path, &huge).await.error(413);
        assert_eq!(error, "Request body is larger than 65536 bytes", "{path}");
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn compressed_bodies_are_refused() {
    let app = TestApp::new().await;
    let request = request(Method::POST, "/shorten")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    let answer = app.send(request.body(Body::from("x")).expect("a request")).await;
    assert_eq!(
        answer.error(400),
        "Content-Encoding is not supported: send the body as it is"
    );
}

#[tokio::test]
async fn hostile_texts_are_kept_or_refused_but_never_obeyed() {
    let app = TestApp::new().await;
    for (number, text) in [
        "'; DROP TABLE links; --",
        "\" OR 1=1",
        "<script>alert(1)</script>",
        "%s%n${x}{{y}}",
        "🙂\u{202e}",
        "=1+1",
    ]
    .iter()
    .enumerate()
    {
        let link = json!({ "original_url": format!("https://example.com/?{text}"), "title": text });
        let link = app.post("/urls", link).await.json(StatusCode::CREATED);
        assert_eq!(link["title"], *text);
        let user = json!({ "username": text, "email": format!("u{number}@example.com") });
        assert_eq!(
            app.post("/users", user).await.json(StatusCode::CREATED)["username"],
            *text
        );
        let found = app
            .get(&format!("/urls?q={}", percent(text)))
            .await
            .json(StatusCode::OK);
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{text}");
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}
