use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, StatusCode};

use crate::test_app::{TestApp, request};

#[tokio::test]
async fn the_description_names_every_route() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.json(StatusCode::OK);
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let expected = [
        "DELETE /links/{code}",
        "DELETE /urls/{id}",
        "DELETE /users/{id}",
        "GET /events",
        "GET /health",
        "GET /links",
        "GET /livez",
        "GET /metrics",
        "GET /readyz",
        "GET /urls",
        "GET /urls/{id}",
        "GET /urls/{code}/redirect",
        "GET /users",
        "GET /users/{id}",
        "GET /users/{id}/urls",
        "GET /{code}",
        "HEAD /urls/{code}/redirect",
        "HEAD /{code}",
        "PATCH /urls/{id}",
        "PATCH /users/{id}",
        "POST /events",
        "POST /shorten",
        "POST /urls",
        "POST /users",
        "POST /users/bulk",
        "PUT /urls/{id}",
        "PUT /users/{id}",
    ];
    assert_eq!(routes, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn the_reference_shows_every_operation_and_loads_nothing() {
    let app = TestApp::new().await;
    let page = app.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    for text in [
        "/shorten",
        "/users/bulk",
        "Shorten a URL",
        "original_url",
        "per_page",
        "409",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    assert!(
        page.text.contains("curl &#39;http://sho.rt/events&#39;"),
        "examples are for the address that was asked"
    );
    for external in ["<script", "src=", "@import", "url("] {
        assert!(!page.text.contains(external), "{external}");
    }
}

#[tokio::test]
async fn the_root_leads_to_the_documentation() {
    let app = TestApp::new().await;
    let browser = request(Method::GET, "/")
        .header("accept", "text/html")
        .body(Body::empty())
        .expect("a request");
    let answer = app.send(browser).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/docs")
    );
    assert_eq!(app.get("/").await.json(StatusCode::OK)["docs"], "/docs");
}

#[test]
fn the_committed_description_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).expect("a committed description");
    let current = terse_server::http::openapi().to_pretty_json().expect("JSON") + "\n";
    assert!(
        committed == current,
        "docs/openapi.json is not what the code says: run `make openapi` and look at the change"
    );
}
