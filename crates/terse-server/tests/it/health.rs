use http::StatusCode;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_healthy_service_says_so() {
    let app = TestApp::new().await;
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
        assert_eq!(app.get(&format!("{mount}/livez")).await.status, StatusCode::OK);
        let ready = app.get(&format!("{mount}/readyz")).await;
        assert_eq!(
            ready.json(StatusCode::OK),
            json!({ "status": "ready", "database": "ok" })
        );
        assert_eq!(ready.header("cache-control"), "no-store");
    }
}
