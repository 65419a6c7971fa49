//! With a Redis of their own each: what is done to it must not happen to the others'.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use terse_core::LinkId;
use terse_store::StoreOptions;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::*;

/// `redis-server`, which ends with this.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    fn start_on(port: u16, options: &[&str]) -> Self {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server, which scripts/install-tools installs");
        Self { process, port }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, signal).expect("it runs");
    }

    /// A command over a connection of its own, once the server takes it.
    async fn ask(&self, command: &Cmd) {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("a server");
        command
            .query_async::<redis::Value>(&mut connection)
            .await
            .expect("an answer");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be stopped, and is to end in any case.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A cache that runs, and what it tells of itself.
struct Running {
    cache: std::sync::Arc<SecondCache>,
    told: UnboundedReceiver<bool>,
    _folder: tempfile::TempDir,
    /// Ends when it is dropped.
    _tasks: JoinSet<()>,
}

impl Running {
    async fn at(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(StoreOptions::new(folder.path().join("terse.db")));
        let store = store.await.expect("an empty folder");
        let url = format!("redis://127.0.0.1:{port}").parse().expect("a URL");
        let cache = std::sync::Arc::new(SecondCache::new(url, store));
        let (tell, told) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let running = std::sync::Arc::clone(&cache);
        tasks.spawn(async move {
            running
                .run(move |is_there| {
                    let _ = tell.send(is_there);
                })
                .await;
        });
        Self {
            cache,
            told,
            _folder: folder,
            _tasks: tasks,
        }
    }

    async fn until(&mut self, is_there: bool) {
        assert_eq!(self.told.recv().await, Some(is_there));
    }

    /// Has `row` kept, and waits until it is there.
    async fn keep(&self, row: &RedirectRow) {
        self.cache.keep(&code(), row);
        while self.cache.get(&code(), row.as_of).await.is_none() {
            tokio::task::yield_now().await;
        }
    }
}

fn code() -> ShortCode {
    "abc".parse().expect("a code")
}

fn row(as_of: AsOf) -> RedirectRow {
    RedirectRow {
        id: LinkId::new(1).expect("positive"),
        owner: None,
        original_url: format!("https://example.com/{as_of}"),
        is_active: true,
        version: 1,
        as_of,
    }
}

#[tokio::test]
async fn what_was_kept_is_found_if_it_is_recent_enough() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    running.keep(&row(7)).await;
    assert_eq!(running.cache.get(&code(), 7).await, Some(Entry::Link(row(7))));
    assert_eq!(running.cache.get(&code(), 8).await, None);
}

#[tokio::test]
async fn an_older_reading_does_not_take_the_place_of_a_newer_one() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    running.keep(&row(9)).await;
    running.cache.keep(&code(), &row(10)); // overtaken by nothing
    running.cache.keep(&code(), &row(8)); // a slow reader's
    running.keep(&row(11)).await; // behind both
    assert_eq!(running.cache.get(&code(), 0).await, Some(Entry::Link(row(11))));
    running.cache.keep(&code(), &row(10));
    let marker = row(12);
    let other: ShortCode = "marker".parse().expect("a code");
    running.cache.keep(&other, &marker);
    while running.cache.get(&other, 12).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.cache.get(&code(), 0).await, Some(Entry::Link(row(11))));
}

#[tokio::test]
async fn a_link_that_is_gone_is_kept_as_gone() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    running.keep(&row(7)).await;
    running.cache.changed(&code(), 9); // this store never had it
    while running.cache.get(&code(), 8).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        running.cache.get(&code(), 0).await,
        Some(Entry::Nothing { as_of: 9 })
    );
}

#[tokio::test]
async fn nobody_waits_for_a_redis_that_is_not_there_and_it_is_used_once_it_is() {
    let port = free_port();
    let mut running = Running::at(port).await;
    assert_eq!(running.cache.get(&code(), 0).await, None);
    assert!(running.cache.stats().is_open);
    let _server = Server::start_on(port, &[]);
    running.until(true).await;
    running.keep(&row(7)).await;
}

#[tokio::test]
async fn a_redis_that_dies_is_left_alone_until_it_is_back() {
    let server = Server::start(&[]);
    let port = server.port;
    let mut running = Running::at(port).await;
    running.until(true).await;
    drop(server);
    assert_eq!(running.cache.get(&code(), 0).await, None);
    running.until(false).await;
    let _server = Server::start_on(port, &[]);
    running.until(true).await;
    running.keep(&row(7)).await;
}

#[tokio::test]
async fn a_redis_that_hangs_costs_one_answer_its_time_and_the_others_nothing() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    server.signal(Signal::STOP);
    assert_eq!(running.cache.get(&code(), 0).await, None);
    let stats = running.cache.stats();
    assert_eq!((stats.failures, stats.is_open), (1, true));
    assert_eq!(running.cache.get(&code(), 0).await, None);
    assert_eq!(running.cache.stats().failures, 1, "nobody else asks");
    running.until(false).await;
    server.signal(Signal::CONT);
    running.until(true).await;
    running.keep(&row(7)).await;
}

#[tokio::test]
async fn a_full_redis_is_still_read() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    running.keep(&row(7)).await;
    server.ask(cmd("CONFIG").arg(&["SET", "maxmemory", "1"])).await;
    server
        .ask(cmd("CONFIG").arg(&["SET", "maxmemory-policy", "noeviction"]))
        .await;
    running.cache.keep(&code(), &row(9));
    while running.cache.stats().write_failures == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.cache.get(&code(), 0).await, Some(Entry::Link(row(7))));
    assert!(!running.cache.stats().is_open);
}

#[tokio::test]
async fn a_redis_that_only_reads_is_given_up_for_the_one_that_writes() {
    let primary = Server::start(&[]);
    let mut running = Running::at(primary.port).await;
    running.until(true).await;
    // Demoted: as after a failover, until Sentinel names the new primary.
    primary.ask(cmd("REPLICAOF").arg(&["127.0.0.1", "1"])).await;
    running.cache.keep(&code(), &row(7));
    running.until(false).await;
    primary.ask(cmd("REPLICAOF").arg(&["NO", "ONE"])).await;
    running.until(true).await;
    running.keep(&row(8)).await;
}

#[tokio::test]
async fn a_flushed_redis_is_an_empty_one() {
    let server = Server::start(&[]);
    let mut running = Running::at(server.port).await;
    running.until(true).await;
    running.keep(&row(7)).await;
    server.ask(&cmd("FLUSHALL")).await;
    assert_eq!(running.cache.get(&code(), 0).await, None);
    running.keep(&row(7)).await;
}
