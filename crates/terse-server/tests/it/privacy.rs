//! Visitors who ask not to be tracked: counted if they are persons, described in no case.

use std::path::Path;

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::test_app::{TestApp, request};

#[tokio::test]
async fn who_asks_not_to_be_tracked_is_counted_and_not_described() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    for (header, value, described) in [
        ("dnt", "1", false),
        ("sec-gpc", "1", false),
        ("dnt", "0", true),
        ("sec-gpc", "0", true),
    ] {
        let visit = request(Method::GET, &format!("/{code}"))
            .header("user-agent", "Mozilla/5.0")
            .header("referer", "https://f.example/");
        app.send(
            visit
                .header(header, value)
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
        let click = app.events("?event_type=click").await.pop().expect("a click");
        let kept = ["user_agent", "referrer"].map(|member| click["details"].get(member).is_some());
        assert_eq!(kept, [described; 2], "{header}: {value}");
    }
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 4);
}

#[tokio::test]
async fn a_program_that_asks_not_to_be_tracked_is_told_from_persons_and_not_described() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    let crawler = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let long = format!("{}Googlebot", "x ".repeat(300));
    for (agent, more, reason) in [
        ("Mozilla/5.0 (X11; rv:140.0) Firefox/140.0", "accept", None),
        ("curl/8.5.0", "accept", None),
        ("", "accept", None),
        (crawler, "accept", Some("crawler")),
        ("Twitterbot/1.0", "accept", Some("preview")),
        (crawler, "sec-purpose", Some("prefetch")),
        (&long, "accept", None),
    ] {
        for wish in ["dnt", "sec-gpc"] {
            let visit = request(Method::GET, &format!("/{code}"))
                .header("user-agent", agent)
                .header("referer", "https://f.example/")
                .header(wish, "1")
                .header(more, "prefetch");
            let answer = app.send(visit.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::FOUND);
            let click = app.events("?event_type=click").await.pop().expect("a click");
            let mut details = json!({ "short_code": code, "original_url": "https://example.com" });
            if let Some(reason) = reason {
                details["bot"] = json!(true);
                details["bot_reason"] = json!(reason);
            }
            assert_eq!(click["details"], details, "{wish} {agent}");
        }
    }
    assert_eq!(app.get("/urls/1").await.json(StatusCode::OK)["click_count"], 8);
}

#[tokio::test]
async fn no_file_holds_what_describes_a_visitor_who_asks_not_to_be_tracked() {
    let app = TestApp::new().await;
    let code = app.shorten("https://example.com").await;
    for (wish, mark) in [("0", "Told-bot"), ("1", "Secret-bot")] {
        let visit = request(Method::GET, &format!("/{code}"))
            .header("user-agent", mark)
            .header("referer", format!("https://{mark}.example/"))
            .header("dnt", wish);
        app.send(visit.body(Body::empty()).expect("a request")).await;
    }
    assert_eq!(app.events("?event_type=click").await.len(), 2);
    let folder = &app.app.config.data_dir;
    assert!(holds(folder, b"Told-bot") && holds(folder, b"https://Told-bot"));
    assert!(!holds(folder, b"Secret-bot"));
}

/// Whether a file in `folder`, the journal's among them, has `wanted` in it.
fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return holds(&path, wanted);
        }
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}
