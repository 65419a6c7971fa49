//! What the cases take place in: a service on a scratch directory, its links, and who visits them.

use std::sync::Arc;

use tempfile::TempDir;
use terse_core::{ManualClock, NewLink, Seeded, Timestamp};
use terse_server::app::App;
use terse_server::clicks::{Journal, JournalOptions};
use terse_server::config::{Config, RawConfig};
use terse_server::visits;
use tokio::runtime::{Builder, Runtime};

/// What a browser sends, but for the code.
pub(crate) const HEADERS: &str = "Host: sho.rt\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://news.example/today\r\n\
    Connection: keep-alive\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: cross-site\r\n";

/// A service and the folder that it has its files in.
pub(crate) struct Scene {
    pub(crate) app: Arc<App>,
    pub(crate) runtime: Runtime,
    _scratch: TempDir,
}

impl Scene {
    /// A service that has `links` links, none of them in memory.
    pub(crate) fn with_links(links: usize) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let scratch = scratch();
        let raw = RawConfig {
            data_dir: Some(scratch.path().to_owned()),
            ..RawConfig::default()
        };
        let config = Config::resolve(raw).expect("the defaults make sense");
        let app = runtime
            .block_on(App::open(config, clock(), random()))
            .expect("a fresh directory");
        let rows = (0..links).map(link).collect();
        runtime
            .block_on(app.store.import_links(rows))
            .expect("a fresh store");
        Self {
            app: Arc::new(app),
            runtime,
            _scratch: scratch,
        }
    }

    /// Brings the first `links` links into memory.
    pub(crate) fn remember(&self, links: usize) {
        for number in 0..links {
            let found = self.runtime.block_on(visits::find(&self.app, &code(number)));
            found.expect("the link is there");
        }
    }
}

/// A journal alone, for one thread, and its folder.
pub(crate) fn journal() -> (Journal, TempDir) {
    let scratch = scratch();
    let options = JournalOptions::new(scratch.path().join("journal"), 1);
    let journal = Journal::open(options, clock(), random()).expect("a fresh directory");
    (journal, scratch)
}

/// The code of a link.
pub(crate) fn code(number: usize) -> String {
    format!("abc{number:04}")
}

fn link(number: usize) -> NewLink {
    let target = format!("https://example.com/a/page/that/has/a/name/{number}");
    NewLink {
        id: None,
        owner: None,
        short_code: code(number).parse().expect("a code"),
        target: target.parse().expect("a target"),
        title: None,
        is_active: true,
        created_at: now(),
        updated_at: now(),
    }
}

/// When everything takes place.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(now()))
}

fn random() -> Arc<Seeded> {
    Arc::new(Seeded::new(7))
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a scratch directory")
}
