//! A whole server among others, and somebody who talks to it over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use terse_core::{Clock, Seeded, SystemClock};
use terse_server::config::{Config, RawConfig};
use terse_server::server::Server;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::engine;

/// What a redirect may be behind an acknowledged change.
const OBEYS_WITHIN: Duration = Duration::from_secs(1);
/// When a test gives up on what has no such limit.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);

/// A server that runs; killed when it is dropped.
pub(super) struct Replica {
    clock: Arc<dyn Clock>,
    /// Of visits only, so that the express lane answers them.
    visits: Connection,
    api: Connection,
    /// Answers from copies that nobody vouched for, as counted when they were last looked at.
    stale_answers: f64,
    stop: oneshot::Sender<()>,
    running: JoinSet<()>,
    _data: tempfile::TempDir,
}

impl Replica {
    /// One on `database` that hears the bus, and reaches its Redis.
    pub(super) async fn start(database: &str, redis: Option<&str>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let data = tempfile::tempdir().expect("a scratch directory");
        let mut raw = RawConfig {
            data_dir: Some(data.path().to_owned()),
            listen: Some("127.0.0.1:0".to_owned()),
            redis_url: redis.map(str::to_owned),
            ..RawConfig::default()
        };
        engine::use_postgres(&mut raw, database.to_owned());
        let config = Config::resolve(raw).expect("valid settings");
        let clock = Arc::new(SystemClock::new());
        let random = Arc::new(Seeded::new(COUNT.fetch_add(1, Ordering::Relaxed)));
        let server = Server::start(config, Arc::clone(&clock) as _, random).await;
        let server = server.expect("a fresh directory");
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let mut running = JoinSet::new();
        running.spawn(Box::pin(server.run(async {
            // Dropped unsent, the test has failed.
            let _ = stopped.await;
        })));
        let mut replica = Self {
            clock,
            visits: Connection::to(address).await,
            api: Connection::to(address).await,
            stale_answers: 0.0,
            stop,
            running,
            _data: data,
        };
        replica.until("bus", "ok").await;
        if redis.is_some() {
            replica.until("redis", "ok").await;
        }
        replica
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).expect("it runs");
        drop((self.visits, self.api));
        self.running.join_all().await;
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Asks something of the API, which must be answered so.
    pub(super) async fn call(&mut self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.api.ask(method, path, Some(body)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    pub(super) async fn get(&mut self, path: &str) -> Value {
        self.call(200, "GET", path, Value::Null).await
    }

    /// Visits a code: status and target.
    pub(super) async fn visit(&mut self, code: &str) -> (u16, String) {
        let answer = self.visits.ask("GET", &format!("/{code}"), None).await;
        (answer.status, answer.location)
    }

    /// Visits `code` until it is answered as `wanted`: now that it was acknowledged, no later than it may be.
    pub(super) async fn obeys(&mut self, code: &str, wanted: (u16, &str)) {
        let changed_at = self.now();
        loop {
            let late = self.now().saturating_sub(changed_at);
            let (status, target) = self.visit(code).await;
            if (status, &*target) == wanted {
                return;
            }
            assert!(
                self.may_be_late(late).await,
                "/{code} leads to {status} {target} instead of {wanted:?} after {late:?}"
            );
        }
    }

    /// Waits until a component is as `wanted`.
    pub(super) async fn until(&mut self, component: &str, wanted: &str) {
        let begun = self.now();
        loop {
            let ready = self.get("/readyz").await;
            if ready["components"][component]["status"] == wanted {
                return;
            }
            assert!(self.now() < begun + GIVEN_UP_AFTER, "{component}: {ready}");
        }
    }

    /// Waits until every click that was answered here is in the database, and has nobody hasten it.
    pub(super) async fn until_shipped(&mut self) {
        let begun = self.now();
        while self.get("/health").await["unshipped_clicks"] != 0 {
            assert!(self.now() < begun + GIVEN_UP_AFTER, "clicks stay in the journal");
        }
    }

    /// The value of a metric.
    pub(super) async fn metric(&mut self, name: &str) -> f64 {
        let page = self.api.ask("GET", "/metrics", None).await.body;
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("no {name}: {page}"))
            .parse()
            .expect("a number")
    }

    /// Whether a visit that began so long after a change may still show what was before. After a second it may not, but for one
    /// case: that a machine under load kept the database from answering, so that the copy in hand had to do, and was counted
    /// as such.
    pub(super) async fn may_be_late(&mut self, late: Duration) -> bool {
        if late < OBEYS_WITHIN {
            return true;
        }
        let counted = self.metric("terse_stale_answers_total").await;
        let has_counted = counted > std::mem::replace(&mut self.stale_answers, counted);
        has_counted && late < GIVEN_UP_AFTER
    }
}

/// A connection that is kept open.
struct Connection(BufStream<TcpStream>);

struct Answer {
    status: u16,
    location: String,
    body: String,
}

impl Connection {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("TCP");
        Self(BufStream::new(stream))
    }

    async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body
            .filter(|body| !body.is_null())
            .map(|body| body.to_string())
            .unwrap_or_default();
        let of_body = if body.is_empty() {
            String::new()
        } else {
            format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            )
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: sho.rt\r\nuser-agent: Mozilla/5.0\r\n{of_body}\r\n{body}"
        );
        self.0.write_all(request.as_bytes()).await.expect("it reads");
        self.0.flush().await.expect("it reads");
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let (mut status, mut location, mut length) = (0, String::new(), 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.expect("an answer");
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("location", target)) => location = target.to_owned(),
                Some(("content-length", digits)) => length = digits.parse().expect("a number"),
                Some(_) => {}
                None if line.is_empty() => break,
                None => {
                    let digits = line.split(' ').nth(1).expect("a status");
                    status = digits.parse().expect("a number");
                }
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("a body");
        Answer {
            status,
            location,
            body: String::from_utf8(body).expect("answers are text"),
        }
    }
}
