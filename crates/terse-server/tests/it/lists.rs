use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use crate::test_app::{Answer, TestApp};

fn ids(answer: &Answer) -> Vec<i64> {
    let rows: Vec<Value> = serde_json::from_value(answer.json(StatusCode::OK)).expect("a list");
    rows.iter()
        .map(|row| row["id"].as_i64().expect("an id"))
        .collect()
}

fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    let url = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(
        url.strip_prefix("http://sho.rt")
            .expect("the host that was asked")
            .to_owned(),
    )
}

async fn with_links(count: usize) -> TestApp {
    let app = TestApp::new().await;
    for number in 1..=count {
        let link = json!({ "original_url": format!("https://example.com/{number}"), "short_code": format!("c{number}") });
        app.post("/urls", link).await.json(StatusCode::CREATED);
    }
    app
}

#[tokio::test]
async fn every_list_is_walked_by_its_next_links() {
    let app = with_links(7).await;
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        app.user(name).await;
    }
    for list in [
        "/urls",
        "/links",
        "/users",
        "/events",
        "/api/v1/urls",
        "/api/v1/users",
    ] {
        let (mut seen, mut at) = (Vec::new(), Some(format!("{list}?per_page=3&x=%26y")));
        while let Some(path) = at {
            assert!(path.starts_with(list), "{path}");
            let page = app.get(&path).await;
            seen.extend(ids(&page));
            at = next(&page);
        }
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7], "{list}");
    }
}

#[tokio::test]
async fn pages_are_numbered_from_one() {
    let app = with_links(5).await;
    for (query, rows, more) in [
        ("?page=1&per_page=2", vec![1, 2], true),
        ("?page=2&per_page=2", vec![3, 4], true),
        ("?page=3&per_page=2", vec![5], false),
        ("?page=4&per_page=2", vec![], false),
        ("?per_page=5", vec![1, 2, 3, 4, 5], false),
        ("?after=3", vec![4, 5], false),
        ("?after=0&per_page=1", vec![1], true),
        ("", vec![1, 2, 3, 4, 5], false),
    ] {
        let page = app.get(&format!("/urls{query}")).await;
        assert_eq!((ids(&page), next(&page).is_some()), (rows, more), "{query}");
    }
}

#[tokio::test]
async fn numbers_that_name_no_page_are_refused() {
    let app = TestApp::new().await;
    for list in ["/urls", "/links", "/users", "/events"] {
        for (query, error) in [
            ("page=0", "page must be a positive integer"),
            ("page=-1", "page must be a positive integer"),
            ("page=x", "page must be an integer"),
            ("page=", "page must be an integer"),
            ("per_page=0", "per_page must be between 1 and 1000"),
            ("per_page=1001", "per_page must be between 1 and 1000"),
            ("per_page=-1", "per_page must be between 1 and 1000"),
            ("per_page=1.5", "per_page must be an integer"),
            ("after=-1", "after must be an id"),
            ("page=1&after=1", "after and page cannot be combined"),
        ] {
            assert_eq!(
                app.get(&format!("{list}?{query}")).await.error(400),
                error,
                "{list}?{query}"
            );
        }
    }
}

#[tokio::test]
async fn links_are_filtered_by_owner_state_and_text() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    for link in [
        json!({ "original_url": "https://Example.com/Apfel", "user_id": ada }),
        json!({ "original_url": "https://example.com/b", "title": "ÄPFEL 100%", "is_active": false }),
        json!({ "original_url": "https://example.com/c_d", "title": "x", "user_id": ada }),
    ] {
        app.post("/urls", link).await.json(StatusCode::CREATED);
    }
    for (query, rows) in [
        ("user_id=1", vec![1, 3]),
        ("user_id=0", vec![]),
        ("user_id=77", vec![]),
        ("is_active=true", vec![1, 3]),
        ("is_active=1", vec![1, 3]),
        ("is_active=False", vec![2]),
        ("is_active=0", vec![2]),
        ("q=apfel", vec![1]),
        ("search=EXAMPLE", vec![1, 2, 3]),
        ("q=%C3%A4pfel", vec![2]),
        ("q=%25", vec![2]),
        ("q=_", vec![3]),
        ("q=c_d", vec![3]),
        ("q=%5C", vec![]),
        ("q=", vec![1, 2, 3]),
        ("q=example&user_id=1&is_active=true&per_page=1", vec![1]),
    ] {
        assert_eq!(ids(&app.get(&format!("/urls?{query}")).await), rows, "{query}");
    }
    assert_eq!(ids(&app.get("/users/1/urls?q=c_d").await), [3]);
    assert_eq!(
        ids(&app.get("/users/1/urls?is_active=false&user_id=0").await),
        [0; 0]
    );
    assert_eq!(
        ids(&app.get("/users/1/urls?user_id=2").await),
        [1, 3],
        "the path says whose"
    );
    assert_eq!(ids(&app.get("/links").await), [1, 3]);
    for (query, error) in [
        ("user_id=x", "user_id must be an integer"),
        ("is_active=yes", "is_active must be true or false"),
        ("is_active=", "is_active must be true or false"),
        ("q=%00", "q must not contain control characters"),
    ] {
        assert_eq!(
            app.get(&format!("/urls?{query}")).await.error(400),
            error,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_list_without_end_has_at_most_a_thousand_rows() {
    let app = TestApp::new().await;
    for _ in 0..1_001 {
        app.post("/events", json!({ "url_id": 1, "event_type": "x" }))
            .await
            .json(StatusCode::CREATED);
    }
    let first = app.get("/events").await;
    assert_eq!(ids(&first).len(), 1_000);
    assert_eq!(ids(&app.get(&next(&first).expect("one more")).await), [1_001]);
}

#[tokio::test]
async fn the_next_page_is_below_the_configured_base_however_the_client_came() {
    let app = TestApp::with(|raw| raw.base_url = Some("https://go.example/s/".into())).await;
    for name in ["ada", "bob"] {
        let user = app.user(name).await;
        for _ in 0..2 {
            let link = json!({ "original_url": "https://example.com", "user_id": user });
            app.post("/urls", link).await.json(StatusCode::CREATED);
        }
    }
    for list in [
        "/urls",
        "/links",
        "/users",
        "/users/1/urls",
        "/events",
        "/api/v1/urls",
        "/api/v1/users/1/urls",
    ] {
        for host in ["go.example", "10.0.0.1:8000", "sho.rt"] {
            let first = http::Request::builder()
                .uri(format!("{list}?per_page=1&page=1"))
                .header("host", host);
            let first = app.send(first.body(Body::empty()).expect("a request")).await;
            assert_eq!(
                first.header("link"),
                format!("<https://go.example/s{list}?per_page=1&after=1>; rel=\"next\""),
                "{host}"
            );
        }
    }
}
