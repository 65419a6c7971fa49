use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::test_app::{TestApp, request};

#[tokio::test]
async fn a_visit_is_redirected_and_is_a_click_at_once() {
    let app = TestApp::new().await;
    let owner = app.user("ada").await;
    let link = json!({ "original_url": "https://example.com/x", "short_code": "abc", "user_id": owner });
    app.post("/urls", link).await.json(StatusCode::CREATED);
    let visit = request(Method::GET, "/abc")
        .header("user-agent", "Mozilla/5.0")
        .header("referer", "https://from.example/");
    let answer = app.send(visit.body(Body::empty()).expect("a request")).await;
    assert_eq!(
        (answer.status, answer.header("location"), &*answer.text),
        (StatusCode::FOUND, "https://example.com/x", "")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 1);
    let expected = json!([{
        "url_id": 1, "user_id": owner, "event_type": "click",
        "details": {
            "short_code": "abc", "original_url": "https://example.com/x",
            "referrer": "https://from.example/", "user_agent": "Mozilla/5.0",
        },
    }]);
    assert_eq!(json!(app.events("?event_type=click").await), expected);
}

#[tokio::test]
async fn every_way_to_visit_counts_and_head_does_not() {
    let app = TestApp::new().await;
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    for path in [
        "/abc",
        "/%61bc",
        "/abc?utm=1",
        "/urls/abc/redirect",
        "/api/v1/abc",
        "/api/v1/urls/abc/redirect",
    ] {
        let answer = app.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, "https://example.com"),
            "{path}"
        );
        let answer = app.head(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, "https://example.com"),
            "{path}"
        );
    }
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 6);
    let clicks = app.events("?event_type=click").await;
    let of_heads = clicks
        .iter()
        .filter(|click| click["details"]["bot_reason"] == "head");
    assert_eq!((clicks.len(), of_heads.count()), (12, 6));
}

#[tokio::test]
async fn visits_of_programs_are_recorded_with_their_reason_and_not_counted() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    let preview = "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)";
    let crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let person = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    for (header, value, reason) in [
        ("sec-purpose", "prefetch;prerender", Some("prefetch")),
        ("purpose", "prefetch", Some("prefetch")),
        ("user-agent", preview, Some("preview")),
        ("user-agent", crawler, Some("crawler")),
        ("user-agent", person, None),
        ("user-agent", "curl/8.5.0", None),
        ("user-agent", "Wget/1.21", None),
        ("user-agent", "", None),
        ("accept", "*/*", None),
    ] {
        let request = request(Method::GET, &format!("/{code}")).header(header, value);
        let answer = app.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{header}: {value}");
        let clicks = app.events("?event_type=click").await;
        let details = &clicks.last().expect("a click")["details"];
        assert_eq!(details["bot_reason"].as_str(), reason, "{header}: {value}");
        assert_eq!(
            details["bot"].as_bool(),
            reason.map(|_| true),
            "{header}: {value}"
        );
    }
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 5);
}

#[tokio::test]
async fn an_unknown_code_is_not_found_and_not_counted() {
    let app = TestApp::new().await;
    for path in [
        "/nosuch",
        "/urls/nosuch/redirect",
        "/no%20such",
        "/n%C3%A4",
        "/a.b",
        "/%00",
        "/-x",
        "/%ff",
    ] {
        let answer = app.get(path).await;
        let expected = if path == "/-x" {
            "Not found"
        } else {
            "Short link not found"
        };
        assert_eq!(answer.error(404), expected, "{path}");
    }
    assert_eq!(app.get("/events").await.text, "[]");
}

#[tokio::test]
async fn reserved_words_are_no_short_links() {
    let app = TestApp::new().await;
    for path in [
        "/login",
        "/LOGIN",
        "/robots.txt",
        "/.well-known",
        "/_x",
        "/dashboard",
        "/api",
    ] {
        assert_eq!(app.get(path).await.error(404), "Not found", "{path}");
    }
}

#[tokio::test]
async fn a_deactivated_link_is_gone_and_not_counted() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    for _ in 0..2 {
        let answer = app.delete(&format!("/links/{code}")).await;
        assert_eq!(
            answer.json(StatusCode::OK),
            json!({ "message": "Link deactivated" })
        );
        assert_eq!(
            app.get(&format!("/{code}")).await.error(410),
            "This link has been deactivated"
        );
        assert_eq!(app.head(&format!("/{code}")).await.status, StatusCode::GONE);
    }
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 1);
    assert_eq!(
        app.events("?event_type=deleted").await.len(),
        1,
        "the second time changed nothing"
    );
    assert_eq!(
        app.delete("/links/nosuch").await.error(404),
        "Short link not found"
    );
    assert_eq!(
        app.delete("/links/no.such").await.error(404),
        "Short link not found"
    );
}

#[tokio::test]
async fn every_change_is_obeyed_by_the_very_next_visit() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/abc").await.status, StatusCode::NOT_FOUND);
    app.post(
        "/shorten",
        json!({ "url": "https://one.example", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    assert_eq!(app.get("/abc").await.header("location"), "https://one.example");
    app.patch("/urls/1", json!({ "original_url": "https://two.example" }))
        .await
        .json(StatusCode::OK);
    assert_eq!(app.get("/abc").await.header("location"), "https://two.example");
    assert_eq!(app.get("/xyz").await.status, StatusCode::NOT_FOUND);
    app.put("/urls/1", json!({ "short_code": "xyz" }))
        .await
        .json(StatusCode::OK);
    assert_eq!(app.get("/abc").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/xyz").await.header("location"), "https://two.example");
    app.patch("/urls/1", json!({ "is_active": false }))
        .await
        .json(StatusCode::OK);
    assert_eq!(app.get("/xyz").await.status, StatusCode::GONE);
    app.patch("/urls/1", json!({ "is_active": true }))
        .await
        .json(StatusCode::OK);
    assert_eq!(app.get("/xyz").await.status, StatusCode::FOUND);
    app.delete("/urls/1").await.json(StatusCode::OK);
    assert_eq!(app.get("/xyz").await.status, StatusCode::NOT_FOUND);
    app.post(
        "/shorten",
        json!({ "url": "https://three.example", "short_code": "xyz" }),
    )
    .await
    .json(StatusCode::CREATED);
    assert_eq!(app.get("/xyz").await.header("location"), "https://three.example");
}

#[tokio::test]
async fn a_click_after_the_owner_is_gone_belongs_to_nobody() {
    let app = TestApp::new().await;
    let owner = app.user("ada").await;
    let link = json!({ "original_url": "https://example.com", "short_code": "abc", "user_id": owner });
    app.post("/urls", link).await.json(StatusCode::CREATED);
    app.get("/abc").await;
    app.delete(&format!("/users/{owner}")).await.json(StatusCode::OK);
    app.get("/abc").await;
    let owners: Vec<_> = app
        .events("?event_type=click")
        .await
        .iter()
        .map(|event| event["user_id"].clone())
        .collect();
    assert_eq!(json!(owners), json!([owner, null]));
}

#[tokio::test]
async fn long_and_strange_headers_are_kept_within_their_limits() {
    let app = TestApp::new().await;
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    let visit = request(Method::GET, "/abc")
        .header("user-agent", "ä".repeat(400))
        .header(
            "referer",
            http::HeaderValue::from_bytes(&[0xff; 2000]).expect("opaque bytes"),
        );
    assert_eq!(
        app.send(visit.body(Body::empty()).expect("a request"))
            .await
            .status,
        StatusCode::FOUND
    );
    let details = &app.events("?event_type=click").await[0]["details"];
    assert_eq!(details["user_agent"], "ä".repeat(256));
    let referrer = details["referrer"].as_str().expect("a text");
    assert!(
        !referrer.is_empty() && referrer.chars().all(|c| c == '\u{fffd}'),
        "{referrer}"
    );
}

#[tokio::test]
async fn browsers_get_a_page_where_programs_get_data() {
    let app = TestApp::new().await;
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "abc" }),
    )
    .await
    .json(StatusCode::CREATED);
    app.delete("/links/abc").await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, status, text) in [
        ("/nosuch", StatusCode::NOT_FOUND, "Short link not found"),
        ("/abc", StatusCode::GONE, "This link has been deactivated"),
        (
            "/urls/abc/redirect",
            StatusCode::GONE,
            "This link has been deactivated",
        ),
    ] {
        let visit = request(Method::GET, path)
            .header("accept", browser)
            .body(Body::empty())
            .expect("a request");
        let answer = app.send(visit).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "text/html; charset=utf-8")
        );
        assert!(
            answer.text.contains(text) && answer.text.starts_with("<!doctype html>"),
            "{}",
            answer.text
        );
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'")
        );
    }
    let visit = request(Method::GET, "/urls/77")
        .header("accept", browser)
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        app.send(visit).await.error(404),
        "Not found",
        "the API answers data whoever asks"
    );
}

#[tokio::test]
async fn ten_thousand_first_visits_at_once_are_all_answered_and_counted() {
    let app = std::sync::Arc::new(TestApp::new().await);
    app.post(
        "/shorten",
        json!({ "url": "https://example.com", "short_code": "hot" }),
    )
    .await
    .json(StatusCode::CREATED);
    let mut visitors = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let app = std::sync::Arc::clone(&app);
        visitors.spawn(async move { app.get("/hot").await.status });
    }
    assert!(
        visitors
            .join_all()
            .await
            .iter()
            .all(|status| *status == StatusCode::FOUND)
    );
    // A reader waits a second for its clicks; on a slow machine ten thousand may take longer.
    let mut count = 0;
    for _ in 0..30 {
        count = app.get("/urls/1").await.json(StatusCode::OK)["click_count"]
            .as_i64()
            .expect("a number");
        if count == 10_000 {
            break;
        }
    }
    assert_eq!(count, 10_000);
}
