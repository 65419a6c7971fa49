//! The handle that everything else takes: opening, closing, and whether it answers.

use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::clicks::tail::Tail;
use crate::clicks::texts::TextCache;
use crate::db::{Db, Read};
use crate::error::Result;
use crate::made::{MADE_WAITING_MAX, Made};
use crate::pool::PoolUse;
use crate::postgres::PostgresUrl;

/// Threads that read. One of them only looks up single rows, so that no list holds up a redirect.
pub const READERS_DEFAULT: usize = 2;

/// Packed blocks of clicks after which these are indexed: on a quiet server each has few clicks.
pub const UNINDEXED_BLOCKS_DEFAULT: u32 = 1_024;

/// Connections to a database server, which replicas share with one another: its default is 100 for all.
pub const CONNECTIONS_DEFAULT: usize = 16;

/// What a server that is well needs a hundredth of.
pub const SERVER_WITHIN_DEFAULT: Duration = Duration::from_millis(600);

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file; its folder must exist. Only one process at a time may open it as a store.
    File(PathBuf),
    /// A database of a PostgreSQL server, for as many processes as its connections allow.
    Server(PostgresUrl),
}

/// Where and how to keep things.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Where.
    pub place: Place,
    /// Threads that read a file, at least one.
    pub readers: usize,
    /// The most bytes that a file may grow to; writes beyond are [`crate::Error::Unavailable`].
    pub size_max_bytes: Option<u64>,
    /// Connections to a server at most, at least two: one writes.
    pub connections_max: usize,
    /// Where a server's changes are listened for, if that is another address: poolers that hand a connection to another client
    /// after each transaction do not pass on what was listened for.
    pub listen_at: Option<PostgresUrl>,
    /// How long opening waits for a server that cannot be reached yet: services and their databases are often started together.
    pub server_there_within: Duration,
    /// How long a server may take for each of: a connection, a short statement, the turn to write. What takes longer is
    /// [`crate::Error::Unavailable`]; a write that has had all three against it is refused after three times as long.
    pub server_within: Duration,
    /// Batches of clicks, roughly, after which the latest ones are indexed by link and owner. Until then whoever asks for a
    /// link's clicks looks through all of these.
    pub unindexed_blocks_max: u32,
    /// Whether a server's database is only looked at, as it is when it is opened: whatever is written later is not seen, and
    /// the schema is left as it is. A file is copied for that, by [`Store::backup_to`].
    pub is_frozen: bool,
}

impl StoreOptions {
    /// A store in the file `path`, with what suits most machines.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::File(path.into()))
    }

    /// A store at `place`, with what suits most machines.
    pub fn at(place: Place) -> Self {
        Self {
            place,
            readers: READERS_DEFAULT,
            size_max_bytes: None,
            connections_max: CONNECTIONS_DEFAULT,
            listen_at: None,
            server_within: SERVER_WITHIN_DEFAULT,
            server_there_within: Duration::ZERO,
            unindexed_blocks_max: UNINDEXED_BLOCKS_DEFAULT,
            is_frozen: false,
        }
    }
}

/// What terse knows for good. Cheap to clone; all clones are the same store.
///
/// Dropping the last clone ends it in the background; [`Store::close`] also waits for that. A call whose future is
/// dropped may or may not have happened.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Arc<Db>,
    pub(crate) texts: Arc<Mutex<TextCache>>,
    pub(crate) tail: Arc<Tail>,
    pub(crate) last_change: Arc<AtomicI64>,
    pub(crate) made: broadcast::Sender<Made>,
}

impl Store {
    /// Opens the database, makes it if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`crate::Error::Unusable`] for a file that is no database of ours or that a newer program made,
    /// [`crate::Error::Unavailable`] for one that cannot be opened.
    pub async fn open(options: StoreOptions) -> Result<Self> {
        let tail = Arc::new(Tail::new(options.unindexed_blocks_max));
        let db = Arc::new(Db::open(options).await?);
        let texts = Arc::new(Mutex::new(TextCache::default()));
        Ok(Self {
            db,
            texts,
            tail,
            last_change: Arc::default(),
            made: broadcast::Sender::new(MADE_WAITING_MAX),
        })
    }

    /// Makes the database if it is a file that is not there, and brings its schema up to date, as [`Store::open`] does too;
    /// the names of the steps that took. Replicas may do it together.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn migrate(options: StoreOptions) -> Result<Vec<&'static str>> {
        Db::migrate(options).await
    }

    /// Finishes everything that was asked for, and leaves one tidy file. Everything asked for later, of any clone,
    /// is [`crate::Error::Unavailable`].
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// What the database's connections are doing just now.
    pub fn pool_uses(&self) -> Vec<PoolUse> {
        self.db.pool_uses()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.db
            .read(Read::Point, |tx| Box::pin(crate::maintenance::touch(tx)))
            .await
    }
}
