//! A service on a scratch directory, and a client of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use terse_core::{Clock, ManualClock, Seeded, Timestamp};
use terse_server::app::App;
use terse_server::config::{Config, RawConfig};
use terse_server::http::Service;
use terse_server::lifecycle::Tasks;
use terse_store::News;
use tokio_util::sync::CancellationToken;

use crate::engine;

/// When the tests take place.
pub(crate) const NOW: &str = "2026-11-24T09:30:00Z";

/// The service; stops and forgets everything when it is dropped.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    service: Service,
    stop: CancellationToken,
    _scratch: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A service whose settings differ from the default.
    pub(crate) async fn with(set: impl FnOnce(&mut RawConfig)) -> Self {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let mut raw = RawConfig {
            data_dir: Some(scratch.path().to_owned()),
            ..engine::settings()
        };
        set(&mut raw);
        let config = Config::resolve(raw).expect("valid settings");
        let clock = Arc::new(ManualClock::at(NOW.parse::<Timestamp>().expect("a time")));
        let random = Arc::new(Seeded::new(7));
        let app = Arc::new(
            App::open(config, Arc::clone(&clock) as _, random)
                .await
                .expect("a fresh directory"),
        );
        let (tasks, stop) = (Tasks::new(), CancellationToken::new());
        let (shipper, stopped) = (Arc::clone(&app.shipper), stop.clone());
        tasks.spawn(async move { shipper.run(stopped).await });
        let service = Service::new(Arc::clone(&app), tasks);
        Self {
            app,
            clock,
            service,
            stop,
            _scratch: scratch,
        }
    }

    /// As if the bus had been heard just now. Where the database is a file, there is none.
    pub(crate) fn hear(&self) {
        if self.app.store.is_shared() {
            self.app.cache.hear(&News::Listening { as_of: 0 });
            // What is read from now on is vouched for.
            self.clock.advance(Duration::from_millis(100));
            let until = self.clock.elapsed();
            self.app.cache.hear(&News::Complete { until });
        }
    }

    /// What answers, for a door of one's own.
    pub(crate) fn service(&self) -> Service {
        self.service.clone()
    }

    /// Lets time pass, so that two things do not happen at the same millisecond.
    pub(crate) fn later(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.service.answer(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("answers are in memory").to_bytes();
        let told = parts
            .headers
            .get("content-length")
            .map(|told| told.to_str().expect("digits").parse());
        assert!(
            told.is_none_or(|told| told == Ok(bytes.len())),
            "a wrong content-length: {parts:?}"
        );
        let text = String::from_utf8(bytes.into()).expect("answers are text");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).expect("a request"))
            .await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.send(
            request(Method::HEAD, path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(
            request(Method::DELETE, path)
                .body(Body::empty())
                .expect("a request"),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, path, &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, &body.to_string()).await
    }

    /// Any bytes, called JSON.
    pub(crate) async fn json(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = request(method, path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).expect("a request"))
            .await
    }

    /// Makes a link and gives its code.
    pub(crate) async fn shorten(&self, url: &str) -> String {
        let answer = self.post("/shorten", serde_json::json!({ "url": url })).await;
        answer.json(StatusCode::CREATED)["short_code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }

    /// Makes a user and gives the id.
    pub(crate) async fn user(&self, name: &str) -> i64 {
        let user = serde_json::json!({ "username": name, "email": format!("{name}@example.com") });
        self.post("/users", user).await.json(StatusCode::CREATED)["id"]
            .as_i64()
            .expect("an id")
    }

    /// All events, or those that `query` asks for, without their ids and times.
    pub(crate) async fn events(&self, query: &str) -> Vec<Value> {
        let mut events = self.get(&format!("/events{query}")).await.json(StatusCode::OK);
        for event in events.as_array_mut().expect("a list") {
            let event = event.as_object_mut().expect("an object");
            event.remove("id");
            event.remove("timestamp");
        }
        serde_json::from_value(events).expect("a list")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "sho.rt")
}

impl Answer {
    /// The body, which must be JSON with this status.
    pub(crate) fn json(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The human text of a problem, which must have this status and every member that a problem has.
    pub(crate) fn error(&self, status: u16) -> String {
        let problem = self.json(StatusCode::from_u16(status).expect("a status"));
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["detail"], problem["error"]);
        assert_eq!(problem["instance"], self.header("x-request-id"));
        assert!(problem["title"].is_string());
        problem["error"].as_str().expect("a text").to_owned()
    }
}
