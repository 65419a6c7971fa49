//! The same requests to a service on a file and to one on a server: the same answers.

use axum::body::Body;

use crate::engine;
use crate::test_app::{TestApp, request};

/// A bit of everything: done in this order, each has the same answer wherever it is done. What costs
/// an id on PostgreSQL alone comes last: a user's links that lose their owner, rows that are refused.
const REQUESTS: &[(&str, &str)] = &[
    (
        "POST /users",
        r#"{"username": "ada", "email": "Ada@example.com"}"#,
    ),
    (
        "POST /urls",
        r#"{"original_url": "HTTPS://Ä.example/ß?q=%", "short_code": "abc", "user_id": 1, "title": "ẞ 🦀"}"#,
    ),
    (
        "POST /urls",
        r#"{"original_url": "https://a.example", "short_code": "ABC"}"#,
    ),
    ("POST /shorten", r#"{"url": "https://b.example"}"#),
    ("POST /shorten", r#"{"url": "nothing"}"#),
    (
        "POST /urls",
        r#"{"original_url": "https://a.example", "user_id": 9}"#,
    ),
    ("GET /abc", ""),
    ("GET /ABC", ""),
    ("GET /nosuch", ""),
    ("PATCH /urls/1", r#"{"title": "other", "short_code": "def"}"#),
    ("PATCH /urls/1", r#"{"short_code": "ABC"}"#),
    ("PATCH /urls/9", r#"{"title": "nobody's"}"#),
    ("GET /abc", ""),
    ("GET /def", ""),
    ("DELETE /links/ABC", ""),
    ("DELETE /links/ABC", ""),
    ("GET /ABC", ""),
    ("GET /urls", ""),
    ("GET /urls?per_page=2&page=2", ""),
    ("GET /urls?user_id=1", ""),
    ("GET /urls?is_active=false", ""),
    ("GET /users?per_page=1", ""),
    ("GET /users/1/urls", ""),
    ("GET /events", ""),
    ("GET /events?event_type=click", ""),
    ("GET /events?url_id=1", ""),
    ("GET /events?user_id=1", ""),
    ("GET /events?after=3&per_page=2", ""),
    ("DELETE /users/1", ""),
    ("GET /urls/1", ""),
    ("GET /def", ""),
    ("DELETE /urls/1", ""),
    ("GET /urls/1", ""),
    (
        "POST /urls",
        r#"{"original_url": "https://a.example", "short_code": "ABC"}"#,
    ),
    (
        "POST /users",
        r#"{"username": "bob", "email": "bob@example.com"}"#,
    ),
    (
        "POST /users",
        r#"{"username": "BOB", "email": "other@example.com"}"#,
    ),
    (
        "POST /users",
        r#"{"username": "eve", "email": "Bob@Example.com"}"#,
    ),
];

#[tokio::test]
async fn services_on_both_engines_answer_alike() {
    let of_file = TestApp::with(|raw| raw.database_url = None).await;
    let of_server = TestApp::with(|raw| engine::use_postgres(raw, engine::database())).await;
    assert!(!of_file.app.store.is_shared() && of_server.app.store.is_shared());
    for (line, body) in REQUESTS {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let mut answers = Vec::new();
        for app in [&of_file, &of_server] {
            app.later();
            let request = request(method.parse().expect("a method"), path)
                .header("x-request-id", "the-same")
                .header("content-type", "application/json");
            let answer = app
                .send(request.body(Body::from(*body)).expect("a request"))
                .await;
            let (location, link) = (answer.header("location"), answer.header("link"));
            answers.push(format!("{} {location} {link} {}", answer.status, answer.text));
        }
        assert_eq!(answers[0], answers[1], "{line} {body}");
    }
}
