use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use terse_core::{LinkId, Timestamp};
use terse_server::clicks::ClickRecord;

use crate::engine;
use crate::test_app::TestApp;

const READY: StatusCode = StatusCode::OK;
const NOT_READY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

async fn readiness(app: &TestApp, status: StatusCode) -> Value {
    app.get("/readyz").await.json(status)
}

/// Puts large clicks into the journal until it takes no more. Nothing else of the service runs meanwhile.
fn fill_journal(app: &TestApp) {
    let target = vec![b'a'; 8 << 10];
    let click = ClickRecord {
        at: Timestamp::from_millis(0),
        link_id: LinkId::new(1).expect("positive"),
        version: 1,
        owner: None,
        short_code: b"abc",
        original_url: &target,
        referrer: None,
        user_agent: None,
        bot: None,
    };
    let is_full = (0..100_000).any(|_| app.app.journal.append(&click).is_err());
    assert!(is_full, "the limit is far below so many clicks");
}

#[tokio::test]
async fn a_healthy_service_says_so() {
    let app = TestApp::new().await;
    app.hear();
    let mut ready = json!({ "status": "ready", "components": {
        "server": { "status": "ok" },
        "database": { "status": "ok" },
        "journal": { "status": "ok" },
        "cache": { "status": "ok" },
    }});
    if app.app.store.is_shared() {
        ready["components"]["bus"] = json!({ "status": "ok" });
    }
    for mount in ["", "/api/v1"] {
        let health = app.get(&format!("{mount}/health")).await.json(StatusCode::OK);
        assert_eq!(
            (&health["status"], &health["database"]),
            (&json!("ok"), &json!("ok"))
        );
        assert_eq!(
            (&health["version"], &health["shed_clicks"]),
            (&json!(env!("CARGO_PKG_VERSION")), &json!(0))
        );
        assert_eq!(health["readiness"], ready);
        let live = app.get(&format!("{mount}/livez")).await;
        assert_eq!(live.json(StatusCode::OK), json!({ "status": "ok" }));
        let readyz = app.get(&format!("{mount}/readyz")).await;
        assert_eq!(readyz.json(READY), ready);
        assert_eq!(readyz.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_service_whose_database_is_away_is_degraded_and_still_redirects() {
    let app = TestApp::new().await;
    let code = app.shorten("https://a.example").await;
    app.get(&format!("/{code}")).await;
    app.app.store.close().await;
    let degraded = readiness(&app, READY).await;
    assert_eq!(degraded["status"], "degraded");
    assert_eq!(
        degraded["components"]["database"],
        json!({ "status": "degraded", "reason": "the database does not answer" })
    );
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    assert_eq!(app.get("/livez").await.status, StatusCode::OK);
    let health = app.get("/health").await.json(StatusCode::OK);
    assert_eq!(
        (
            &health["status"],
            &health["database"],
            &health["readiness"]["status"]
        ),
        (&json!("ok"), &json!("unavailable"), &json!("degraded"))
    );
}

#[tokio::test]
async fn the_database_is_asked_once_a_second_however_many_ask() {
    let app = TestApp::new().await;
    let database = async || readiness(&app, READY).await["components"]["database"]["status"].clone();
    assert_eq!(database().await, "ok");
    app.app.store.close().await;
    app.clock.advance(Duration::from_millis(999));
    assert_eq!(database().await, "ok", "as it was remembered");
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(database().await, "degraded");
}

#[tokio::test]
async fn a_service_that_does_not_hear_other_replicas_is_degraded() {
    let app = TestApp::with(|raw| engine::use_postgres(raw, engine::database())).await;
    let deaf = readiness(&app, READY).await;
    assert_eq!(deaf["status"], "degraded");
    assert_eq!(
        deaf["components"]["bus"],
        json!({
            "status": "degraded",
            "reason": "changes of other replicas are not heard: links are asked for again every moment",
        })
    );
    app.hear();
    assert_eq!(readiness(&app, READY).await["status"], "ready");
    app.clock.advance(Duration::from_secs(1));
    let silence = readiness(&app, READY).await;
    assert_eq!(silence["components"]["bus"]["status"], "degraded");
}

#[tokio::test]
async fn a_service_without_its_redis_is_ready_and_says_so() {
    // Nobody has tried to reach it yet.
    let app = TestApp::with(|raw| {
        engine::use_postgres(raw, engine::database());
        raw.redis_url = Some("redis://127.0.0.1:1".to_owned());
    })
    .await;
    app.hear();
    let ready = readiness(&app, READY).await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(
        ready["components"]["redis"],
        json!({
            "status": "missing",
            "reason": "left alone as it could not be asked: links are looked up in the database",
        })
    );
    let page = app.get("/metrics").await.text;
    for line in [
        "\nterse_component_up{component=\"redis\"} 0\n",
        "\nterse_redis_breaker_open 1\n",
        "\nterse_ready 1\n",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}

#[tokio::test]
async fn a_service_that_stops_is_not_ready_at_once_and_still_redirects() {
    let app = TestApp::new().await;
    let code = app.shorten("https://a.example").await;
    app.app.health.set_stopping();
    let stopping = readiness(&app, NOT_READY).await;
    assert_eq!(stopping["status"], "not_ready");
    assert_eq!(
        stopping["components"]["server"],
        json!({ "status": "unavailable", "reason": "the server is stopping" })
    );
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    assert_eq!(app.get("/livez").await.status, StatusCode::OK);
    let health = app.get("/health").await.json(StatusCode::OK);
    assert_eq!(health["status"], "ok");
}

#[tokio::test]
async fn a_service_whose_disk_takes_no_clicks_gives_way_to_others() {
    let app = TestApp::new().await;
    std::fs::remove_dir_all(app.app.config.data_dir.join("journal")).expect("the journal's folder");
    fill_journal(&app);
    let not_ready = readiness(&app, NOT_READY).await;
    assert_eq!(not_ready["components"]["journal"]["status"], "unavailable");
    let page = app.get("/metrics").await.text;
    for line in [
        "\nterse_ready 0\n",
        "\nterse_journal_clicks_shed_total{reason=\"disk\"} 1\n",
        "\nterse_journal_clicks_shed_total{reason=\"limit\"} 0\n",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
}

#[tokio::test]
async fn a_journal_that_the_database_left_full_takes_no_replica_out() {
    let app = TestApp::with(|raw| raw.journal_max_mib = Some("64".into())).await;
    let code = app.shorten("https://a.example").await;
    app.get(&format!("/{code}")).await;
    app.app.store.close().await;
    fill_journal(&app);
    let degraded = readiness(&app, READY).await;
    assert_eq!(degraded["status"], "degraded");
    assert_eq!(degraded["components"]["journal"]["status"], "degraded");
    assert_eq!(app.get(&format!("/{code}")).await.status, StatusCode::FOUND);
    let page = app.get("/metrics").await.text;
    let shed = "\nterse_journal_clicks_shed_total{reason=\"limit\"} 1\n";
    assert!(page.contains(shed), "{page}");
}
